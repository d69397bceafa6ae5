/**
 * All benchmarks, one after the other, each in a process of its own; its figures beside their goals.
 * `npm run bench`, or `npm run bench -- judging throughput`. The exit code is 1 where one misses its goal.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const OTHERS = new Set(['main.ts', 'figures.ts']);
/** They need a Docker engine and an image, or pgbench; asked for by name. */
const ON_REQUEST = new Set(['docker-act', 'patroni', 'observer']);
const LIMIT_MS = 10 * 60_000;

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !OTHERS.has(file))
  .map((file) => file.replace(/\.ts$/, ''));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exitCode = 3;
} else {
  for (const name of asked.length > 0 ? asked : names.filter((one) => !ON_REQUEST.has(one))) {
    console.log(`== ${name}`);
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
      stdio: 'inherit',
      timeout: LIMIT_MS,
    });
    if (status !== 0) process.exitCode = 1;
  }
}

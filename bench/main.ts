/**
 * All benchmarks, one after the other, each in a process of its own; its figures beside their goals, and how busy the
 * machine was. `npm run bench`, or `npm run bench -- judging throughput`; with `--write` they become the table of
 * docs/performance.md, once `npm run docs` has run. The exit code is 1 where one misses its goal.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIGURES_FILE, type Figure } from './figures.ts';
import { beside, type MachineState } from './machine.ts';
import { record } from './recorded.ts';

const OTHERS = new Set([
  'main.ts',
  'figures.ts',
  'machine.ts',
  'recorded.ts',
  'judging-peer.ts',
  'judging-bare.ts',
  'own-time.ts',
  'bare-client.ts',
  'bare-start.ts',
]);
/** They need a Docker engine and an image, or pgbench; asked for by name. */
const ON_REQUEST = new Set(['docker-act', 'patroni', 'observer']);
const LIMIT_MS = 15 * 60_000;

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !OTHERS.has(file))
  .map((file) => file.replace(/\.ts$/, ''));
const args = process.argv.slice(2);
const write = args.includes('--write');
const asked = args.filter((arg) => arg !== '--write');
const unknown = asked.filter((name) => !names.includes(name));

interface Ran {
  readonly figures: readonly Figure[];
  readonly state: MachineState;
}

async function ran(name: string, folder: string): Promise<Ran> {
  const file = join(folder, `${name}.ndjson`);
  const { state } = await beside(() => {
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
      stdio: 'inherit',
      timeout: LIMIT_MS,
      env: { ...process.env, [FIGURES_FILE]: file },
    });
    if (status !== 0) process.exitCode = 1;
  });
  try {
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return { figures: lines.map((line) => JSON.parse(line) as Figure), state };
  } catch {
    return { figures: [], state };
  }
}

if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exitCode = 3;
} else {
  const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
  try {
    for (const name of asked.length > 0 ? asked : names.filter((one) => !ON_REQUEST.has(one))) {
      console.log(`== ${name}`);
      const { figures, state } = await ran(name, folder);
      const { busyBefore, stolen, runQueue, calm } = state;
      console.log(
        `${calm ? 'calm  ' : 'BUSY  '}  others used ${busyBefore.toFixed(0)} % of the processors before, ` +
          `the host took ${stolen.toFixed(1)} % meanwhile, ${runQueue} tasks ran or waited`,
      );
      if (write && figures.length > 0)
        record({ name, measuredOn: new Date().toISOString().slice(0, 10), figures, state });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

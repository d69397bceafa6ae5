/**
 * What a cluster of somebody else's pays for being watched: the rate of pgbench on one of three nodes, without pgquake and
 * while `pgquake watch` runs beside it with its default ledger, probes and witness. Medians of pairs, one run. Needs pgbench.
 *
 *   node bench/observer.ts [pairs] [seconds]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { streaming } from '../src/engines/streaming.ts';
import type { Address } from '../src/model/address.ts';
import { local } from '../src/platforms/local.ts';
import { streamingTopology } from '../test/support/streaming-topology.ts';
import { closing } from './figures.ts';

const GOAL_PERCENT = 3;
const START_LIMIT_MS = 60_000;
const SCALE = '10';

const [pairs = 5, seconds = 10] = process.argv.slice(2).map(Number);
const never = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
const reports = join(folder, 'reports');
mkdirSync(reports);
const topology = streamingTopology();
const nodes = await local.provision({
  nodes: topology.nodes,
  settings: streaming.settings,
  runFolder: folder,
  signal: never,
});

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
}

async function pgbench({ host, port, user, password, database }: Address, ...options: string[]): Promise<string> {
  const where = ['--host', host, '--port', String(port), '--username', user];
  const { stdout } = await execa('pgbench', [...options, ...where, database], { env: { PGPASSWORD: password } });
  return stdout;
}

async function rate(primary: Address): Promise<number> {
  const said = await pgbench(primary, '--client', '4', '--time', String(seconds), '--no-vacuum');
  return Number(/tps = ([\d.]+)/.exec(said)?.[1]);
}

/** As `rate`, once the watch measures. */
async function watchedRate(primary: Address): Promise<number> {
  const before = new Set(readdirSync(reports));
  const howLong = `${seconds + 30}s`;
  const main = resolve(import.meta.dirname, '../src/cli/main.ts');
  const child = spawn(process.execPath, [main, 'watch', 'inventory.yaml', '--for', howLong, '--reports', reports], {
    cwd: folder,
    env: { ...process.env, PGPASSWORD: primary.password, CI: '1' },
    stdio: 'ignore',
  });
  try {
    const giveUpAt = performance.now() + START_LIMIT_MS;
    while (!measures(before)) {
      if (child.exitCode !== null || performance.now() > giveUpAt) throw new Error('the watch does not begin');
      await sleep(100);
    }
    return await rate(primary);
  } finally {
    child.kill('SIGINT');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

function measures(before: ReadonlySet<string>): boolean {
  const run = readdirSync(reports).find((name) => !before.has(name) && /^\d{4}-/.test(name));
  if (run === undefined) return false;
  try {
    return /"phase-started","phase":"fault"/.test(readFileSync(join(reports, run, 'events.ndjson'), 'utf8'));
  } catch {
    return false;
  }
}

try {
  await streaming.form({ nodes, topology, dataset: { tables: [], partitionKeys: [1] }, signal: never });
  const addresses = nodes.all.map((node) => node.address());
  const [primary] = addresses as [Address];
  const lines = nodes.all.map(({ name }, i) => {
    const { host, port, user, database } = addresses[i] as Address;
    return `  ${name}: { url: "host='${host}' port=${port} user=${user} dbname=${database}" }`;
  });
  writeFileSync(join(folder, 'inventory.yaml'), `name: benched\nnodes:\n${lines.join('\n')}\n`);
  await pgbench(primary, '--initialize', '--scale', SCALE, '--quiet');
  await rate(primary);
  const losses: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    // In turn, so that what gets slower with time is charged to neither.
    const first = pair % 2 === 0 ? await watchedRate(primary) : await rate(primary);
    const second = pair % 2 === 0 ? await rate(primary) : await watchedRate(primary);
    const [alone, watched] = pair % 2 === 0 ? [second, first] : [first, second];
    losses.push(100 * (1 - watched / alone));
    console.log(
      `pair ${pair}: ${alone.toFixed(0)} tps alone, ${watched.toFixed(0)} watched, ${losses.at(-1)?.toFixed(1)} % less`,
    );
  }
  closing([{ what: 'per cent of its rate that pgbench loses, median', figure: median(losses), goal: GOAL_PERCENT }]);
} finally {
  await nodes.dispose();
  rmSync(folder, { recursive: true, force: true });
}

/**
 * What a cluster of somebody else's pays for being watched: the rate of pgbench on the primary of three nodes, without
 * pgquake and while `pgquake watch` runs beside it with its default ledger, probes and witness. All share one machine, and
 * pgbench takes all that it gets: the worst case. Pairs in turn (ABBA), and the median of their losses: one watch, which a
 * signal stops for its half of each pair, so that pairs are short and many. Before, the processor time of each part, on the
 * idle cluster. Needs pgbench; best as root, which gives the servers pgbench's own priority.
 *
 *   node bench/observer.ts [pairs] [seconds] [fsync: on, off]
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, setPriority, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { streaming } from '../src/engines/streaming.ts';
import type { Address } from '../src/model/address.ts';
import { local } from '../src/platforms/local.ts';
import { thisHost } from '../src/run/host-monitor.ts';
import { Session } from '../src/sql/session.ts';
import { streamingTopology } from '../test/support/streaming-topology.ts';
import { closing, over } from './figures.ts';

const GOALS = { loss: 2, servers: 2 };
const START_LIMIT_MS = 60_000;
/** What the first seconds take of a program that is compiled as it runs is not what a watch of minutes takes. */
const WARM_UP_MS = 10_000;
const SCALE = '10';
const CLIENTS = '4';
/** A machine that does more than this share without the bench says nothing of 3 %. */
const QUIET_SHARE = 0.05;
const COST_SECONDS = 15;
/** Once it goes on, a watch sends what was due meanwhile. */
const GOES_ON_MS = 1_500;
/** As a server that is not made for a test has them. */
const SETTINGS = { shared_buffers: '256MB', full_page_writes: 'on', max_wal_size: '1GB' };

const [pairs = 12, seconds = 8] = process.argv.slice(2, 4).map(Number);
const fsync = process.argv[4] ?? 'on';
const never = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
const reports = join(folder, 'reports');
mkdirSync(reports);
const topology = streamingTopology();
const nodes = await local.provision({
  nodes: topology.nodes,
  settings: { ...streaming.settings, ...SETTINGS, fsync },
  runFolder: folder,
  signal: never,
});

/** What the machine did meanwhile: shares of all its processors, and tasks that ran or waited. */
async function load<T>(work: () => Promise<T>): Promise<{ done: T; busy: number; stolen: number; queue: number }> {
  const before = thisHost.ticks();
  const queues: number[] = [];
  const timer = setInterval(() => queues.push(thisHost.runnable() ?? 0), 100);
  const done = await work();
  clearInterval(timer);
  const after = thisHost.ticks();
  const total = after.total - before.total;
  return {
    done,
    busy: (after.busy - before.busy) / total,
    stolen: (after.stolen - before.stolen) / total,
    queue: queues.reduce((sum, one) => sum + one, 0) / Math.max(1, queues.length),
  };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

async function pgbench({ host, port, user, password, database }: Address, ...options: string[]): Promise<string> {
  const where = ['--host', host, '--port', String(port), '--username', user];
  const { stdout } = await execa('pgbench', [...options, ...where, database], { env: { PGPASSWORD: password } });
  return stdout;
}

/** From a checkpoint on, or what the log and the disk get would be that of wherever the last one happened to end. */
async function rate(primary: Address): Promise<{ tps: number; said: string }> {
  await using session = await Session.connect(primary, { applicationName: 'bench', connectTimeoutMs: 5_000 });
  await session.execute('CHECKPOINT');
  const { done, busy, stolen, queue } = await load(() =>
    pgbench(primary, '--client', CLIENTS, '--time', String(seconds)),
  );
  const tps = Number(/tps = ([\d.]+)/.exec(done)?.[1]);
  return {
    tps,
    said: `${tps.toFixed(0)} tps (busy ${percent(busy)}, steal ${percent(stolen)}, queue ${queue.toFixed(1)})`,
  };
}

/** Does its work once a watch measures. */
async function watched<T>(primary: Address, work: (watch: ChildProcess) => Promise<T>): Promise<T> {
  const main = resolve(import.meta.dirname, '../src/cli/main.ts');
  const profile = process.env.PGQUAKE_BENCH_PROFILE;
  const options = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  const args = [...options, main, 'watch', 'inventory.yaml', '--for', '10m', '--reports', reports];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, PGPASSWORD: primary.password, CI: '1' },
    stdio: 'ignore',
  });
  try {
    const giveUpAt = performance.now() + START_LIMIT_MS;
    while (!measures()) {
      if (child.exitCode !== null || performance.now() > giveUpAt) throw new Error('the watch does not begin');
      await sleep(100);
    }
    await sleep(WARM_UP_MS);
    return await work(child);
  } finally {
    child.kill('SIGCONT');
    child.kill('SIGINT');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

function measures(): boolean {
  const run = readdirSync(reports).find((name) => /^\d{4}-/.test(name));
  if (run === undefined) return false;
  try {
    return /"phase-started","phase":"fault"/.test(readFileSync(join(reports, run, 'events.ndjson'), 'utf8'));
  } catch {
    return false;
  }
}

/** Milliseconds of processor time of a process or thread since it began: ticks would miss what wakes for less than one. */
function usedBy(path: string): number {
  return Number(readFileSync(`${path}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

/** The same so far: of each kind of thread of the watch, of each kind of its sessions, and of all processes of servers. */
async function usedByPart(pid: number, addresses: readonly Address[]): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  const add = (part: string, path: string) => {
    try {
      used.set(part, (used.get(part) ?? 0) + usedBy(path));
    } catch {
      // It has just ended.
    }
  };
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${task}`;
    const name = readFileSync(`${path}/comm`, 'utf8').trim();
    add(`thread ${Number(task) === pid ? 'main' : name}`, path);
  }
  for (const address of addresses) {
    await using session = await Session.connect(address, { applicationName: 'bench', connectTimeoutMs: 5_000 });
    const rows = await session.query(
      `SELECT pid, coalesce(nullif(application_name, ''), backend_type) FROM pg_stat_activity
        WHERE application_name <> 'bench'
        UNION ALL SELECT pid, 'walsender' FROM pg_stat_replication WHERE false`,
    );
    for (const [backend, name] of rows) add(`server ${name}`, `/proc/${backend}`);
  }
  return used;
}

/**
 * What the watch and the servers, which have nothing else to do, use, part by part.
 * @returns processor milliseconds a second of all, and of the servers alone.
 */
async function cost(
  watch: ChildProcess,
  addresses: readonly Address[],
): Promise<{ readonly all: number; readonly servers: number }> {
  const before = await usedByPart(watch.pid as number, addresses);
  await sleep(COST_SECONDS * 1_000);
  const after = await usedByPart(watch.pid as number, addresses);
  const parts = [...after].map(([part, ms]) => [part, (ms - (before.get(part) ?? 0)) / COST_SECONDS] as const).sort();
  const sum = (which: typeof parts) => which.reduce((total, [, ms]) => total + ms, 0);
  const used = { all: sum(parts), servers: sum(parts.filter(([part]) => part.startsWith('server'))) };
  console.log(`processor milliseconds per second, the cluster idle: ${used.all.toFixed(0)}`);
  for (const [part, ms] of parts) if (ms >= 0.5) console.log(`  ${part}: ${ms.toFixed(1)}`);
  return used;
}

/** The rate while the watch looks on, or while it is stopped. */
async function rateBeside(watch: ChildProcess, looksOn: boolean, primary: Address): ReturnType<typeof rate> {
  watch.kill(looksOn ? 'SIGCONT' : 'SIGSTOP');
  await sleep(GOES_ON_MS);
  return rate(primary);
}

/** Servers of the platform are nicer than their clients, which those of an inventory are not. @returns whether that worked. */
function atNormalPriority(): boolean {
  const made = JSON.parse(readFileSync(join(folder, 'cluster.json'), 'utf8')) as { nodes: { pid: number }[] };
  const postmasters = new Set(made.nodes.map(({ pid }) => pid));
  const processes = readdirSync('/proc')
    .map(Number)
    .filter((pid) => postmasters.has(pid) || postmasters.has(parentOf(pid)));
  try {
    for (const pid of processes) setPriority(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}

try {
  const before = await load(() => sleep(2_000));
  await streaming.form({ nodes, topology, dataset: { tables: [], partitionKeys: [1] }, signal: never });
  const addresses = nodes.all.map((node) => node.address());
  const [primary] = addresses as [Address];
  const lines = nodes.all.map(({ name }, i) => {
    const { host, port, user, database } = addresses[i] as Address;
    return `  ${name}: { url: "host='${host}' port=${port} user=${user} dbname=${database}" }`;
  });
  writeFileSync(join(folder, 'inventory.yaml'), `name: benched\nnodes:\n${lines.join('\n')}\n`);
  console.log(
    `fsync ${fsync}, ${CLIENTS} clients, ${seconds} s each, servers ${atNormalPriority() ? 'at normal priority' : 'nicer than their clients'}`,
  );
  await pgbench(primary, '--initialize', '--scale', SCALE, '--quiet');
  const losses: number[] = [];
  let used = { all: 0, servers: 0 };
  await watched(primary, async (watch) => {
    used = await cost(watch, addresses);
    if (pairs > 0) await rate(primary);
    for (let pair = 1; pair <= pairs; pair++) {
      // In turn, so that what gets slower with time is charged to neither.
      const watchedFirst = pair % 2 === 0;
      const first = await rateBeside(watch, watchedFirst, primary);
      const second = await rateBeside(watch, !watchedFirst, primary);
      const [alone, beside] = watchedFirst ? [second, first] : [first, second];
      losses.push(100 * (1 - beside.tps / alone.tps));
      console.log(`pair ${pair}: ${losses.at(-1)?.toFixed(1)} % less: ${alone.said} alone, ${beside.said} watched`);
    }
  });
  // What others take, and give back, between two halves of a pair is many times the goal.
  if (before.busy > QUIET_SHARE) {
    console.log(`not judged: others used ${percent(before.busy)} of the processors before`);
    process.exitCode = 1;
  } else if (pairs > 0)
    closing([
      {
        what: 'per cent of its rate that pgbench loses',
        ...over(losses),
        goal: GOALS.loss,
        limit: {
          what: 'processor time of watch and servers, per cent of what there is',
          figure: used.all / 10 / availableParallelism(),
        },
      },
      {
        what: 'servers, per cent of a processor for each node',
        figure: used.servers / 10 / addresses.length,
        goal: GOALS.servers,
      },
    ]);
} finally {
  await nodes.dispose();
  rmSync(folder, { recursive: true, force: true });
}

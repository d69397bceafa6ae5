/**
 * How pgquake's own costs grow with the cluster: embedded clusters of 4, 8, 16 and 32 workers with as many shards, each
 * run to a verdict. Own share of the time, peak memory and processor time of the client, each over that of 4 workers, and
 * beside it how much the cluster grew. The limit is what the servers take of the processors meanwhile: what is left is
 * the client's. `node bench/cluster-sizes.ts [rounds]`
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { closing, median } from './figures.ts';
import { descendantsCpuS, peakMb } from './machine.ts';
import { ownSeconds } from './own-time.ts';

const WORKERS = [4, 8, 16, 32];
const LIMIT_MS = 180_000;
const rounds = Number(process.argv[2] ?? 1);
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));

interface Cost {
  readonly ownS: number;
  readonly residentMb: number;
  readonly cpuS: number;
  readonly verdict: string;
  /** Processors that the servers took on average, from the steady state to the end of settling. */
  readonly serverProcessors: number;
}

/** Probes go to every shard, so their rate grows with the cluster; the load does not. */
const scenario = (workers: number) => `
name: workers-${workers}
summary: One of ${workers} workers stops.
cluster: { workers: ${workers}, replication: 2, shards: ${workers}, platform: local, engine: native }
workload: { use: chat, read: { rate: 100/s }, scan: { rate: 1/s }, write: { rate: 20/s } }
steady-state: { for: 2s }
faults: [{ fault: node-stop, target: worker1, at: 0s, for: 3s }]
settle: { within: 30s }
hypothesis: [{ check: no-lost-writes }]
`;

/** In this process, so that its memory and processor time are its own: servers are other processes. */
async function runHere(file: string): Promise<void> {
  const { pgquake } = await import('../src/pgquake.ts');
  const began = performance.now();
  const quake = pgquake();
  const marks: { readonly atMs: number; readonly cpuS: number }[] = [];
  const event = ({ type, phase }: { readonly type: string; readonly phase?: string }) => {
    const isMark = `${type} ${phase}` === 'phase-started steady-state' || `${type} ${phase}` === 'phase-ended settle';
    if (isMark) marks.push({ atMs: performance.now(), cpuS: descendantsCpuS('postgres') });
  };
  const options = { reports: join(file, '../reports'), listeners: [{ event }] };
  const { folder: run, verdict } = await quake.run(await quake.load(file), options);
  const [from, to] = marks;
  const wallMs = performance.now() - began;
  const { user, system } = process.cpuUsage();
  const cost: Cost = {
    ownS: ownSeconds(run, wallMs),
    residentMb: peakMb(),
    cpuS: (user + system) / 1e6,
    verdict: verdict.judgement,
    serverProcessors: from && to ? ((to.cpuS - from.cpuS) * 1_000) / (to.atMs - from.atMs) : Number.NaN,
  };
  console.log(JSON.stringify(cost));
}

function costOf(workers: number): Cost {
  const here = mkdtempSync(join(folder, `${workers}-`));
  const file = join(here, `workers-${workers}.yaml`);
  writeFileSync(file, scenario(workers));
  const args = [import.meta.filename, 'run', file];
  const child = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: LIMIT_MS });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout.trim().split('\n').at(-1) as string) as Cost;
}

function main(): void {
  try {
    const bySize = new Map(WORKERS.map((workers) => [workers, [] as Cost[]]));
    for (let round = 0; round < rounds; round++) {
      for (const workers of WORKERS) {
        const cost = costOf(workers);
        console.log(
          `${workers} workers: ${cost.verdict}, own share ${cost.ownS.toFixed(2)} s, ${cost.residentMb.toFixed(0)} MB, ` +
            `client ${cost.cpuS.toFixed(2)} s of processor time, servers ${cost.serverProcessors.toFixed(2)} processors`,
        );
        bySize.get(workers)?.push(cost);
      }
    }
    const of = (workers: number, key: 'ownS' | 'residentMb' | 'cpuS' | 'serverProcessors') =>
      median((bySize.get(workers) ?? []).map((cost) => cost[key]));
    closing(
      WORKERS.slice(1).flatMap((workers) => [
        { what: `${workers} workers / 4: own share`, figure: of(workers, 'ownS') / of(4, 'ownS'), goal: workers / 4 },
        {
          what: `${workers} workers / 4: memory`,
          figure: of(workers, 'residentMb') / of(4, 'residentMb'),
          goal: workers / 4,
        },
        {
          what: `${workers} workers / 4: client processor time`,
          figure: of(workers, 'cpuS') / of(4, 'cpuS'),
          goal: workers / 4,
        },
        {
          what: `${workers} workers: runs without a verdict`,
          figure: (bySize.get(workers) ?? []).filter(({ verdict }) => verdict === 'unknown').length,
          goal: 0,
          limit: {
            what: `its servers alone, of ${availableParallelism()} processors`,
            figure: of(workers, 'serverProcessors'),
          },
        },
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [, , first, file] = process.argv;
if (first === 'run') await runHere(file as string);
else main();

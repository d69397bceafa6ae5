/**
 * How long it takes until a cluster of 4 workers serves 500 messages: from an empty cache (the first run
 * ever on a machine) and from a warm one; and, beside each of them, a primary with two standbys.
 * `node bench/cluster-ready.ts [runs]`
 */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset, Engine } from '../src/cluster/engine.ts';
import { connectBy, mainRoute } from '../src/cluster/route.ts';
import { native } from '../src/engines/native.ts';
import { streaming } from '../src/engines/streaming.ts';
import { local } from '../src/platforms/local.ts';
import { sharded } from '../test/support/sharded.ts';
import { median } from './figures.ts';

const GOAL_MS = { cold: 5_000, warm: 2_500 };
/** Of the median from a warm cache: a primary with two standbys against a coordinator with four workers. */
const MAX_RATIO = 1.2;
const FIVE = sharded({ workers: 4, replication: 2, partitions: 4 });
const THREE = {
  replication: 3,
  partitions: 1,
  nodes: streaming.nodes(3),
  streaming: { members: 3, synchronous: 'off', manager: 'none', promoteAfterMs: 1_000 },
} as const;
const signal = new AbortController().signal;

/** The size of the chat: 100 partition keys, 200 members, 500 messages. */
function dataset(): Dataset {
  const partitionKeys = Array.from({ length: 100 }, (_, i) => i + 1);
  const partitionKey = { name: 'room_id', type: 'int' };
  const rows = (perKey: number) =>
    partitionKeys.flatMap((id) => Array.from({ length: perKey }, (_, i) => [id, i + 1, `row ${i + 1} of room ${id}`]));
  const table = (name: string, perKey: number) => ({
    name,
    columns: [partitionKey, { name: 'n', type: 'bigint' }, { name: 'body', type: 'text' }],
    primaryKey: ['room_id', 'n'],
    rows: rows(perKey),
  });
  return { partitionKeys, tables: [table('rooms', 1), table('room_members', 2), table('messages', 5)] };
}

interface Times {
  readonly provision: number;
  readonly form: number;
  readonly ready: number;
  readonly dispose: number;
}

async function once(engine: Engine, topology: typeof FIVE | typeof THREE, runFolder: string): Promise<Times> {
  const startedAt = performance.now();
  const nodes = await local.provision({ nodes: topology.nodes, settings: engine.settings, runFolder, signal });
  try {
    const providedAt = performance.now();
    const { routes } = await engine.form({ nodes, topology, dataset: dataset(), signal });
    {
      const options = { connectTimeoutMs: 2_000, applicationName: 'pgquake-bench' };
      await using session = await connectBy(mainRoute(routes), options);
      const rows = await session.query('SELECT * FROM messages');
      if (rows.length !== 500) throw new Error(`${rows.length} messages instead of 500`);
    }
    const readyAt = performance.now();
    await nodes.dispose();
    return {
      provision: providedAt - startedAt,
      form: readyAt - providedAt,
      ready: readyAt - startedAt,
      dispose: performance.now() - readyAt,
    };
  } finally {
    await nodes.dispose();
  }
}

function print(label: keyof typeof GOAL_MS, times: readonly Times[]): void {
  for (const part of ['provision', 'form', 'ready', 'dispose'] as const) {
    const sorted = times.map((time) => time[part]).sort((a, b) => a - b);
    const figures = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
    const columns = figures.map((ms) => `${(ms ?? Number.NaN).toFixed(0).padStart(6)} ms`).join('');
    process.stdout.write(`${label}  ${part.padEnd(10)}${columns}\n`);
  }
  const late = times.filter((time) => time.ready > GOAL_MS[label]).length;
  process.stdout.write(`${label}  goal ${GOAL_MS[label]} ms: missed by ${late} of ${times.length}\n`);
  if (late > 0) process.exitCode = 1;
}

const readyMs = (times: readonly Times[]) => median(times.map(({ ready }) => ready));

const runs = Number(process.argv[2] ?? 7);
const folder = await mkdtemp(join(tmpdir(), 'pgquake-bench-'));
try {
  // The servers' account must be able to read the cache.
  await chmod(folder, 0o755);
  process.env.PGQUAKE_CACHE_DIR = join(folder, 'cache');
  const cold: Times[] = [];
  const warm: Times[] = [];
  const three: Times[] = [];
  for (let i = 0; i < runs; i++) {
    await rm(join(folder, 'cache'), { recursive: true, force: true });
    cold.push(await once(native, FIVE, folder));
    warm.push(await once(native, FIVE, folder));
    three.push(await once(streaming, THREE, folder));
  }
  process.stdout.write(`${runs} runs each, from start to 500 messages read     min   median     max\n`);
  print('cold', cold);
  print('warm', warm);
  const ratio = readyMs(three) / readyMs(warm);
  process.stdout.write(
    `a primary with two standbys: median ${readyMs(three).toFixed(0)} ms, ${ratio.toFixed(2)} x the five\n`,
  );
  if (ratio > MAX_RATIO) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

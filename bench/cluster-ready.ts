/**
 * How long it takes until a cluster of 4 workers serves 500 messages: from an empty cache (the first run
 * ever on a machine) and from a warm one. `node bench/cluster-ready.ts [runs]`
 */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset } from '../src/cluster/engine.ts';
import { native } from '../src/engines/native.ts';
import { local } from '../src/platforms/local.ts';
import { Session } from '../src/sql/session.ts';

const GOAL_MS = { cold: 5_000, warm: 2_500 };
const topology = { workers: 4, replication: 2, shards: 4 };
const signal = new AbortController().signal;

/** The size of the chat: 100 rooms, 200 members, 500 messages. */
function dataset(): Dataset {
  const rooms = Array.from({ length: 100 }, (_, i) => i + 1);
  const room = { name: 'room_id', type: 'int' };
  const rows = (perRoom: number) =>
    rooms.flatMap((id) => Array.from({ length: perRoom }, (_, i) => [id, i + 1, `row ${i + 1} of room ${id}`]));
  const table = (name: string, perRoom: number) => ({
    name,
    columns: [room, { name: 'n', type: 'bigint' }, { name: 'body', type: 'text' }],
    primaryKey: ['room_id', 'n'],
    rows: rows(perRoom),
  });
  return { rooms, tables: [table('rooms', 1), table('room_members', 2), table('messages', 5)] };
}

interface Times {
  readonly provision: number;
  readonly form: number;
  readonly ready: number;
  readonly dispose: number;
}

async function once(runFolder: string): Promise<Times> {
  const startedAt = performance.now();
  const nodes = await local.provision({ topology, settings: native.settings, runFolder, signal });
  try {
    const providedAt = performance.now();
    await native.form({ nodes, topology, dataset: dataset(), signal });
    {
      const options = { connectTimeoutMs: 2_000, applicationName: 'pgquake-bench' };
      await using session = await Session.connect(nodes.coordinator.address(), options);
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

const runs = Number(process.argv[2] ?? 7);
const folder = await mkdtemp(join(tmpdir(), 'pgquake-bench-'));
try {
  // The servers' account must be able to read the cache.
  await chmod(folder, 0o755);
  process.env.PGQUAKE_CACHE_DIR = join(folder, 'cache');
  const cold: Times[] = [];
  const warm: Times[] = [];
  for (let i = 0; i < runs; i++) {
    await rm(join(folder, 'cache'), { recursive: true, force: true });
    cold.push(await once(folder));
    warm.push(await once(folder));
  }
  process.stdout.write(`${runs} runs each, from start to 500 messages read     min   median     max\n`);
  print('cold', cold);
  print('warm', warm);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/**
 * How well a paced load keeps its schedule: 10,000 intended operations a second on one server, with the history
 * written to disk as in a run; and after it, on the same server, pgbench with `--rate 10000`, the same statements and as
 * many connections, by the lag that it reports. Beside a second pgbench, a process of Node.js that wakes at the same pace
 * and does nothing else: no schedule in this language is kept better. `node bench/schedule.ts [seconds]`
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { coordinatorRoute } from '../src/engines/sharded.ts';
import type { Address } from '../src/model/address.ts';
import { monotonicClock } from '../src/model/clock.ts';
import { OPERATIONS_FILE, readOperations } from '../src/operations-file.ts';
import { Load, spareLoadThread } from '../src/run/load.ts';
import { Recorder } from '../src/run/recorder.ts';
import { chat } from '../src/workloads/chat.ts';
import { placeOf } from '../src/workloads/workload.ts';
import { closing } from './figures.ts';
import { startOneServer } from './one-server.ts';

const RATE = 10_000;
const GOALS = { lateness: 1, dropped: 0, memoryMb: 20 };
const CONNECTIONS = 16;
const WARM_MS = 10_000;
const MEBI = 1_048_576;

const params = chat.params.parse({
  // So many that rooms stay small: what is read and verified must not grow with time.
  rooms: 20_000,
  'messages-per-room': 1,
  'members-per-room': 1,
  read: { rate: `${RATE * 0.9}/s`, deadline: '2s', connections: CONNECTIONS },
  write: { rate: `${RATE * 0.1}/s`, deadline: '2s', connections: CONNECTIONS },
  // None within a minute.
  scan: { rate: '0.001/m' },
});
/** Of its transactions, in ms: how late the 99th of 100 began. Its log is a line each: the seventh word is the lag in us. */
function pgbenchLagP99({ host, port, user, password, database }: Address, folder: string, seconds: number): number {
  const logs = mkdtempSync(join(folder, 'pgbench-'));
  const keys = `\\set room random(1, ${params.rooms as number})\n`;
  const read = `${keys}SELECT * FROM messages WHERE room_id = :room;\n`;
  const write = `${keys}INSERT INTO messages VALUES (:room, 1000000, nextval('lag_seq'), 1, 'as late as pgbench');\n`;
  writeFileSync(join(logs, 'read.sql'), read);
  writeFileSync(join(logs, 'write.sql'), write);
  const where = ['-h', host, '-p', String(port), '-U', user, database];
  const load = [
    '-n',
    '-M',
    'prepared',
    '-c',
    String(2 * CONNECTIONS),
    '-j',
    '1',
    '-R',
    String(RATE),
    '-T',
    String(seconds),
  ];
  const files = ['-f', 'read.sql@9', '-f', 'write.sql@1', '-l', '--log-prefix', 'lag'];
  execFileSync('pgbench', [...load, ...files, ...where], { cwd: logs, env: { ...process.env, PGPASSWORD: password } });
  const lags = readdirSync(logs)
    .filter((name) => name.startsWith('lag'))
    .flatMap((name) => readFileSync(join(logs, name), 'utf8').trim().split('\n'))
    .map((line) => Number(line.split(' ')[6]) / 1_000);
  return lags.sort((a, b) => a - b)[Math.floor(lags.length * 0.99)] as number;
}

/** Runs in a process of its own: how late the 99th of 100 moments is turned to, in ms, until its input ends. */
async function wakeOnly(): Promise<number> {
  const lateMs: number[] = [];
  const stepMs = 1_000 / RATE;
  let due = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tick = () => {
    for (const now = performance.now(); due <= now; due += stepMs) lateMs.push(performance.now() - due);
    timer = setTimeout(tick, Math.max(0, due - performance.now()));
  };
  tick();
  process.stdin.resume();
  await once(process.stdin, 'end');
  clearTimeout(timer);
  return lateMs.sort((a, b) => a - b)[Math.floor(lateMs.length * 0.99)] as number;
}

/** While `work` runs. @returns what `wakeOnly` says. */
async function wakingBeside(work: () => void): Promise<number> {
  const child = spawn(process.execPath, [import.meta.filename, 'wake'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  work();
  child.stdin.end();
  await once(child, 'close');
  return Number(output);
}

if (process.argv[2] === 'wake') {
  console.log(await wakeOnly());
  process.exit();
}
const seconds = Number(process.argv[2] ?? 60);
const originNs = process.hrtime.bigint();
await using server = await startOneServer();
const { nodes, folder, address } = server;
{
  const { tables, partitionKeys } = chat.dataset(params);
  {
    await using session = await server.connect();
    for (const { name, columns, primaryKey, rows } of tables) {
      const types = columns.map((column) => `${column.name} ${column.type}`).join(', ');
      await session.execute(`CREATE TABLE ${name} (${types}, PRIMARY KEY (${primaryKey.join(', ')}))`);
      const values = rows.map((row) => `(${row.map((value) => `'${value}'`).join(', ')})`).join(', ');
      await session.execute(`INSERT INTO ${name} VALUES ${values}`);
    }
    await session.execute('CREATE SEQUENCE lag_seq');
    await session.execute('ANALYZE');
  }
  const names = chat.kinds(params).map(({ name }) => name);
  using recorder = new Recorder(
    folder,
    monotonicClock(originNs),
    { load: names.map((name) => ({ name })), probes: [] },
    [],
  );
  const workload = await placeOf(chat);
  await using thread = spareLoadThread(new URL('../src/load-thread.ts', import.meta.url), 'workload', workload);
  await using load = await Load.prepare(
    thread,
    { coordinator: coordinatorRoute(nodes) },
    {
      originNs,
      partitionOfKey: Object.fromEntries(partitionKeys.map((partitionKey) => [partitionKey, 0])),
      work: { type: 'workload', workload, params, seed: 1, writer: 1, maxConnections: 90 },
    },
    { operations: (batch) => recorder.operations(batch) },
  );
  const resident: number[] = [];
  const startedAt = performance.now();
  const sampling = setInterval(() => {
    if (performance.now() - startedAt >= WARM_MS) resident.push(process.memoryUsage.rss() / MEBI);
  }, 1_000);
  load.start();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  clearInterval(sampling);
  const kept = await load.stop();
  const history = readOperations(join(folder, OPERATIONS_FILE));
  const achieved = history.count / seconds;
  console.log(
    `${kept.intended} intended in ${seconds} s (${achieved.toFixed(0)} a second), ${kept.unsent} not sent; lateness p99 ` +
      `${kept.latenessP99Ms.toFixed(2)} ms, most ${kept.latenessMaxMs.toFixed(1)} ms; memory after ${WARM_MS / 1_000} s ` +
      `${Math.min(...resident).toFixed(0)} to ${Math.max(...resident).toFixed(0)} MB; history ` +
      `${(statSync(join(folder, OPERATIONS_FILE)).size / history.count).toFixed(0)} bytes an operation`,
  );
  const peerMs = pgbenchLagP99(address, folder, seconds);
  const wakingMs = await wakingBeside(() => pgbenchLagP99(address, folder, seconds));
  console.log(
    `pgbench --rate ${RATE}: lag p99 ${peerMs.toFixed(2)} ms; Node.js that wakes at this pace beside it: ${wakingMs.toFixed(2)} ms late, p99`,
  );
  closing([
    {
      what: `lateness p99 / lag p99 of pgbench`,
      figure: kept.latenessP99Ms / peerMs,
      goal: GOALS.lateness,
      limit: { what: 'Node.js that wakes and does nothing, beside pgbench', figure: wakingMs / peerMs },
    },
    {
      what: 'operations not sent, or not in the history',
      figure: kept.unsent + kept.intended - history.count,
      goal: GOALS.dropped,
    },
    {
      what: 'memory: spread after the first 10 s, MB',
      figure: Math.max(...resident) - Math.min(...resident),
      goal: 2 * GOALS.memoryMb,
    },
  ]);
}

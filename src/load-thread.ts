/** Entry of the load thread: finds the workload in the catalogue and paces it. Started by `run/load.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { findWorkload } from './catalog.ts';
import { monotonicClock } from './model/clock.ts';
import { COLUMNS, OperationTable } from './model/operations.ts';
import type { FromLoadThread, LoadThreadData, ToLoadThread } from './run/load.ts';
import { LoadGenerator } from './run/load-generator.ts';
import { Session } from './sql/session.ts';

/** A crash loses at most what was not handed over yet. */
const HAND_OVER_MS = 50;

if (!parentPort) throw new Error('load-thread.ts is started as a worker thread only');
const port = parentPort;
const data = workerData as LoadThreadData;

const workload = findWorkload(data.workload);
const kinds = workload.kinds(data.params);
const kindNames = kinds.map(({ name }) => name);
let batch = new OperationTable(kindNames);

function send(message: FromLoadThread, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function handOver(): void {
  if (batch.count === 0) return;
  const { columns } = batch.data;
  // Handed over, not copied.
  send(
    { type: 'operations', batch: batch.data },
    COLUMNS.map((name) => columns[name].buffer as ArrayBuffer),
  );
  batch = new OperationTable(kindNames);
}

const generator = new LoadGenerator({
  kinds,
  workload: workload.start(data.params, data.seed, data.writer),
  connect: (timeoutMs) =>
    Session.connect(data.address, { applicationName: 'pgquake-load', connectTimeoutMs: timeoutMs }),
  clock: monotonicClock(data.originNs),
  maxConnections: data.maxConnections,
  shardOfRoom: data.shardOfRoom,
  settled: (operation) => batch.add(operation),
});

await generator.warmUp(async (session) => {
  await workload.readAll(session, workload.table, data.params, 10_000);
});

const timer = setInterval(handOver, HAND_OVER_MS);
port.on('message', async (message: ToLoadThread) => {
  if (message.type === 'start') generator.start();
  else {
    const kept = await generator.stop();
    clearInterval(timer);
    handOver();
    send({ type: 'stopped', kept });
    port.close();
  }
});
send({ type: 'ready' });

/** Entry of the load thread: finds the workload in the catalogue and paces it. Started by `run/load.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { findWorkload } from './catalog.ts';
import { monotonicClock } from './model/clock.ts';
import type { Operation } from './model/history.ts';
import type { FromLoadThread, LoadThreadData, ToLoadThread } from './run/load.ts';
import { LoadGenerator } from './run/load-generator.ts';
import { Session } from './sql/session.ts';

/** A crash loses at most what was not handed over yet. */
const HAND_OVER_MS = 50;

if (!parentPort) throw new Error('load-thread.ts is started as a worker thread only');
const port = parentPort;
const data = workerData as LoadThreadData;
const send = (message: FromLoadThread) => port.postMessage(message);

const workload = findWorkload(data.workload);
let batch: Operation[] = [];

function handOver(): void {
  if (batch.length === 0) return;
  send({ type: 'operations', batch });
  batch = [];
}

const generator = new LoadGenerator({
  kinds: workload.kinds(data.params),
  workload: workload.start(data.params, data.seed, data.writer),
  connect: (timeoutMs) =>
    Session.connect(data.address, { applicationName: 'pgquake-load', connectTimeoutMs: timeoutMs }),
  clock: monotonicClock(data.originNs),
  maxConnections: data.maxConnections,
  shardOfRoom: data.shardOfRoom,
  settled: (operation) => batch.push(operation),
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

/** Entry of the witness thread: two lanes of sessions on every node. Started by `run/witness.ts`. */

import { parentPort } from 'node:worker_threads';
import { monotonicClock } from './model/clock.ts';
import { errorText } from './model/errors.ts';
import { type Operation, WITNESS_KINDS } from './model/history.ts';
import { COLUMNS, OperationTable } from './model/operations.ts';
import { ordersOf } from './run/spare-thread.ts';
import type { FromWitness, ToWitness, WitnessThreadData } from './run/witness.ts';
import { type WitnessedNode, WitnessLane } from './run/witness-lane.ts';
import type { Said } from './run/witness-table.ts';
import { OBSERVER_NAMES } from './sql/application-names.ts';
import { Session } from './sql/session.ts';

const FIRST_SESSION_LIMIT_MS = 10_000;
/** Space for operations in a batch before it grows. */
const BATCH = 64;

if (!parentPort) throw new Error('witness-thread.ts must be started as a worker thread');
const port = parentPort;
const { nodes, run, originNs, pace } = await ordersOf<WitnessThreadData>();
const clock = monotonicClock(originNs);
const addresses = nodes.map(({ address }) => address);
let batch = new OperationTable(WITNESS_KINDS, BATCH);
let nextId = 1;
let sessions = 0;

function send(message: FromWitness, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function handOver(): void {
  if (batch.count === 0) return;
  const { columns } = batch.data;
  const buffers = COLUMNS.map((name) => columns[name].buffer as ArrayBuffer);
  send({ type: 'operations', batch: batch.data }, buffers);
  batch = new OperationTable(WITNESS_KINDS, BATCH);
}

/** Numbers operations as they settle, so that a crash leaves no gaps. */
function settled(operation: Omit<Operation, 'id'>): void {
  batch.add({ id: nextId++, ...operation });
}

function lanesOf(name: string, i: number): WitnessLane[] {
  let seq = 0;
  let last: { readonly said: Said; readonly sentAt: number } | undefined;
  const node: WitnessedNode = {
    number: i + 1,
    name,
    run,
    connect: (connectTimeoutMs) =>
      Session.connect(addresses[i] as (typeof addresses)[number], {
        applicationName: OBSERVER_NAMES.witness,
        connectTimeoutMs,
      }),
    nextSeq: () => ++seq,
    nextSession: () => ++sessions,
    settled,
    said: (said, { sentAt, settledAt: at }) => {
      const before = last;
      last = { said, sentAt };
      if (before?.said.role === said.role && before.said.timeline === said.timeline) return;
      send({ type: 'said', node: name, said, at, ...(before ? { sinceMs: before.sentAt } : {}) });
    },
  };
  const { keptEveryMs, freshEveryMs, freshForMs } = pace;
  return [false, true].map((fresh) => {
    const times = { everyMs: fresh ? freshEveryMs : keptEveryMs, freshForMs };
    return new WitnessLane(node, { clock, fresh, times });
  });
}

try {
  const lanes = nodes.flatMap(({ name }, i) => lanesOf(name, i));
  await Promise.all(lanes.map((lane) => lane.open(FIRST_SESSION_LIMIT_MS)));
  const timer = setInterval(handOver, pace.handOverMs);
  port.on('message', async (message: ToWitness) => {
    if (message.type === 'address') addresses[message.node] = message.address;
    else if (message.type === 'start') for (const lane of lanes) lane.start();
    else {
      await Promise.all(lanes.map((lane) => lane.stop()));
      clearInterval(timer);
      handOver();
      send({ type: 'stopped', intended: nextId - 1 });
      port.close();
    }
  });
  send({ type: 'ready' });
} catch (error) {
  send({ type: 'failed', message: errorText(error) });
  port.close();
}

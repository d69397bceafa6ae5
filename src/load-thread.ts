/** Entry of a thread of the load: paces a workload, or the probes. Started by `run/load.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { findWorkload } from './catalog.ts';
import { monotonicClock } from './model/clock.ts';
import { COLUMNS, OperationTable } from './model/operations.ts';
import type { FromLoadThread, LoadThreadData, ProbeWork, ToLoadThread, WorkloadWork } from './run/load.ts';
import { type LaneSpec, LoadGenerator, workloadLanes } from './run/load-generator.ts';
import { Session } from './sql/session.ts';
import { Probes } from './workloads/probes.ts';

/** A crash loses at most what was not handed over yet. */
const HAND_OVER_MS = 50;
const WARM_UP_LIMIT_MS = 10_000;

/** What a thread does: rows of operations, and the first use of each of their connections. */
interface Work {
  readonly lanes: readonly LaneSpec[];
  warmUp(session: Session): Promise<unknown>;
}

function paceWorkload({ workload: name, params, seed, writer, maxConnections }: WorkloadWork): Work {
  const workload = findWorkload(name);
  return {
    lanes: workloadLanes(workload.kinds(params), workload.start(params, seed, writer), maxConnections),
    warmUp: (session) => workload.readAll(session, workload.table, params, WARM_UP_LIMIT_MS),
  };
}

function paceProbes({ kinds, rooms, run }: ProbeWork): Work {
  const probes = new Probes(run);
  const [readKind] = kinds;
  return {
    // Room by room, so that the lanes of one kind, which start one after the other, see all shards in turn.
    lanes: kinds.flatMap((kind) =>
      rooms.map((room): LaneSpec => {
        const fresh = kind.connection === 'fresh';
        return {
          kind,
          // A fresh connection may still be closing while the next one opens.
          maxConnections: fresh ? 2 : 1,
          whenBusy: 'skip',
          fresh,
          next: () => probes.next(kind, room),
        };
      }),
    ),
    warmUp: async (session) => {
      const [room] = rooms;
      if (readKind && room !== undefined) {
        await session.within(WARM_UP_LIMIT_MS, probes.next(readKind, room).run(session));
      }
    },
  };
}

if (!parentPort) throw new Error('load-thread.ts is started as a worker thread only');
const port = parentPort;
const { work: task, address, originNs, shardOfRoom } = workerData as LoadThreadData;
const work = task.type === 'workload' ? paceWorkload(task) : paceProbes(task);
const kindNames = [...new Set(work.lanes.map(({ kind }) => kind.name))];
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
  lanes: work.lanes,
  connect: (timeoutMs) =>
    Session.connect(address, { applicationName: `pgquake-${task.type}`, connectTimeoutMs: timeoutMs }),
  clock: monotonicClock(originNs),
  shardOfRoom,
  settled: (operation) => batch.add(operation),
});

await generator.warmUp(async (session) => {
  await work.warmUp(session);
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

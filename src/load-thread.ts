/** Entry of a load thread: runs a workload, the probes or the pressure. Started by `run/load.ts`. */

import { parentPort } from 'node:worker_threads';
import type { Address } from './model/address.ts';
import { monotonicClock } from './model/clock.ts';
import { attributed, EnvironmentError, errorText } from './model/errors.ts';
import type { ProbeKind } from './model/history.ts';
import { COLUMNS, OperationTable } from './model/operations.ts';
import type { LaneSpec } from './run/lanes.ts';
import type {
  FromLoadThread,
  LoadPreload,
  LoadThreadData,
  PressureWork,
  ProbeWork,
  ToLoadThread,
  WorkloadWork,
} from './run/load.ts';
import { LoadGenerator, type LoadKept } from './run/load-generator.ts';
import { Pressure, type PressureKept } from './run/pressure.ts';
import { Probes } from './run/probes.ts';
import { ordersOf } from './run/spare-thread.ts';
import { goRealtime } from './run/thread-priority.ts';
import { workloadLanes } from './run/workload-lanes.ts';
import { CLIENT_NAMES } from './sql/application-names.ts';
import { withServer } from './sql/failure.ts';
import { connectToFirst } from './sql/hosts.ts';
import type { Session } from './sql/session.ts';
import { ledgerOf, workloadAt } from './workloads/workload.ts';

const WARM_UP_LIMIT_MS = 10_000;
/** For each kind of probe, however many partitions there are. */
const MAX_PROBE_CONNECTIONS = 32;
const MAX_FRESH_AT_ONCE = 4;
/** Each batch has space for twice the operations of the last one, and at least for these. */
const LEAST_BATCH = 64;
/** Least time between two `unreached` messages for one route. */
const UNREACHED_EVERY_MS = 100;

/** What a thread does: its lanes, and how it uses each connection for the first time. */
interface Work {
  readonly lanes: readonly LaneSpec[];
  warmUp(session: Session): Promise<unknown>;
}

async function paceWorkload({ workload: place, params, seed, writer, maxConnections }: WorkloadWork): Promise<Work> {
  const workload = await workloadAt(place);
  const ledger = ledgerOf(workload, params);
  return {
    lanes: workloadLanes(workload.kinds(params), workload.start(params, seed, writer), maxConnections, seed),
    // Tables that the user brought may be too large to read just for this.
    warmUp: (session) =>
      ledger && workload.dataset
        ? ledger.readAll(session, ledger.table, params, WARM_UP_LIMIT_MS)
        : session.query('SELECT 1', [], { timeoutMs: WARM_UP_LIMIT_MS }),
  };
}

function paceProbes({ kinds, partitionKeys, run }: ProbeWork): Work {
  const probes = new Probes(run);
  return {
    // Ordered by partition key: the lanes of one kind start one after the other and so visit all partitions in turn.
    lanes: kinds.flatMap((kind) =>
      kind.connection === 'fresh' ? freshLanes(probes, kind, partitionKeys) : pooledLanes(probes, kind, partitionKeys),
    ),
    warmUp: async (session) => {
      const [partitionKey] = partitionKeys;
      if (partitionKey !== undefined) {
        await probes.next('read', partitionKey).run(session, WARM_UP_LIMIT_MS);
      }
    },
  };
}

/** One lane for each partition, so that a stalled partition does not block probes of the others. */
function pooledLanes(probes: Probes, kind: ProbeKind, partitionKeys: readonly number[]): LaneSpec[] {
  return partitionKeys.map((partitionKey) => ({
    kind,
    pool: kind.name,
    maxConnections: Math.min(partitionKeys.length, MAX_PROBE_CONNECTIONS),
    whenBusy: 'skip',
    warmUp: (session) => probes.next('read', partitionKey).run(session, WARM_UP_LIMIT_MS),
    next: () => probes.next(kind.access, partitionKey),
  }));
}

/** At most 4 lanes, which take the partitions in turn, so that a slow server does not get all attempts at once. */
function freshLanes(probes: Probes, kind: ProbeKind, partitionKeys: readonly number[]): LaneSpec[] {
  const lanes = Math.min(partitionKeys.length, MAX_FRESH_AT_ONCE);
  return Array.from({ length: lanes }, (_, lane): LaneSpec => {
    const own = partitionKeys.filter((_key, i) => i % lanes === lane);
    let n = 0;
    return {
      kind,
      maxConnections: 1,
      whenBusy: 'skip',
      fresh: true,
      ratePerSecond: kind.ratePerSecond * own.length,
      next: () => probes.next(kind.access, own[n++ % own.length] as number),
    };
  });
}

/** What the main thread can ask of every load thread. */
interface Running {
  /** @param share of the rates, from 0 to 1. Call it again to change the pace. */
  start(share: number): void;
  /** Starts counting how well the client keeps its schedule. */
  measure?(): void;
  stop(): Promise<LoadKept | PressureKept>;
}

if (!parentPort) throw new Error('load-thread.ts must be started as a worker thread');
const port = parentPort;
const { work, mainRoute, originNs, partitionOfKey, realtime, pace, ...start } = await ordersOf<
  LoadThreadData,
  LoadPreload
>(async (place) => place && workloadAt(place));
const routes = new Map(Object.entries(start.routes));
const unreachedAt = new Map<string, number>();

function send(message: FromLoadThread, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

/** @param route by name; the main route by default. */
async function connect(connectTimeoutMs: number, route = mainRoute, pipeline = false): Promise<Session> {
  const to = routes.get(route);
  if (!to) throw new Error(`the cluster has no route "${route}"`);
  try {
    const applicationName = CLIENT_NAMES[work.type];
    return await connectToFirst(to.addresses, to.accepts, { applicationName, connectTimeoutMs, pipeline });
  } catch (error) {
    const now = performance.now();
    if (now - (unreachedAt.get(route) ?? Number.NEGATIVE_INFINITY) >= UNREACHED_EVERY_MS) {
      unreachedAt.set(route, now);
      send({ type: 'unreached', route });
    }
    throw error;
  }
}

function follow(route: string, addresses: readonly Address[]): void {
  const known = routes.get(route);
  if (known) routes.set(route, { ...known, addresses });
}

async function paceLanes({ lanes, warmUp }: Work): Promise<Running> {
  const kindNames = [...new Set(lanes.map(({ kind }) => kind.name))];
  let batch = new OperationTable(kindNames, LEAST_BATCH);
  const handOver = () => {
    handOverSettled();
    send({ type: 'open', ...generator.open() });
  };
  const handOverSettled = () => {
    if (batch.count === 0) return;
    const { columns } = batch.data;
    // Transferred, not copied.
    const buffers = COLUMNS.map((name) => columns[name].buffer as ArrayBuffer);
    const { count } = batch;
    send({ type: 'operations', batch: batch.data }, buffers);
    batch = new OperationTable(kindNames, Math.max(LEAST_BATCH, 2 * count));
  };
  const generator = new LoadGenerator({
    lanes,
    connect,
    clock: monotonicClock(originNs),
    partitionOfKey,
    settled: (operation) => batch.add(operation),
    maxSleepMs: pace.maxSleepMs,
    inStep: pace.inStep,
  });
  await generator.warmUp(async (session) => {
    await warmUp(session);
  });
  if (realtime) goRealtime();
  const timer = setInterval(handOver, pace.handOverMs);
  return {
    start: (share) => generator.start(share),
    measure: () => generator.measure(),
    async stop() {
      const kept = await generator.stop();
      clearInterval(timer);
      handOverSettled();
      return kept;
    },
  };
}

async function press({ connections, depth, writes, partitionKeys, run }: PressureWork): Promise<Running> {
  const probes = new Probes(run);
  let n = 0;
  let written = 0;
  const pressure = new Pressure({
    connections,
    depth,
    connect: () => connect(WARM_UP_LIMIT_MS, mainRoute, true),
    next: () => {
      n++;
      const partitionKey = partitionKeys[n % partitionKeys.length] as number;
      const writesNow = written < n * writes;
      if (writesNow) written++;
      return probes.next(writesNow ? 'write' : 'read', partitionKey);
    },
  });
  await pressure.open();
  return pressure;
}

async function running(): Promise<Running> {
  if (work.type === 'workload') return paceLanes(await paceWorkload(work));
  return work.type === 'probes' ? paceLanes(paceProbes(work)) : press(work);
}

async function serve(task: Running): Promise<void> {
  port.on('message', async (message: ToLoadThread) => {
    if (message.type === 'addresses') follow(message.route, message.addresses);
    else if (message.type === 'start') task.start(message.share);
    else if (message.type === 'measure') task.measure?.();
    else {
      send({ type: 'stopped', kept: await task.stop() });
      port.close();
    }
  });
  send({ type: 'ready' });
}

try {
  await serve(await running());
} catch (thrown) {
  const [address] = routes.get(mainRoute)?.addresses ?? [];
  const error = attributed(withServer(thrown, address && routes.size === 1 ? [{ name: mainRoute, ...address }] : []));
  const environment = error instanceof EnvironmentError;
  const { code, hint } = environment ? error : { code: 'load-failed', hint: undefined };
  send({ type: 'failed', environment, code, message: errorText(error), hint });
  port.close();
}

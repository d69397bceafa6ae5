/** Prepares the threads of a run (load, probes, pressure, witness), and raises the load to its rates. */

import type { FormedCluster } from '../cluster/engine.ts';
import type { Nodes } from '../cluster/platform.ts';
import { mainRoute, type Route } from '../cluster/route.ts';
import type { OperationKind } from '../model/history.ts';
import type { Scenario } from '../model/scenario.ts';
import { type Ledger, ledgerOf } from '../workloads/workload.ts';
import { ASK_TIMEOUT_MS, askOne, connect } from './ask-node.ts';
import {
  LIGHT_LOAD_PACE,
  LOAD_PACE,
  Load,
  type LoadListener,
  type LoadPace,
  type SpareLoadThread,
  spareLoadThread,
  WATCH_LOAD_PACE,
} from './load.ts';
import type { LoadKept } from './load-generator.ts';
import type { PressureKept } from './pressure.ts';
import { keysToProbe, nextProbeRun, probeKinds, probesAreOn } from './probes.ts';
import { AnswerCount, raise } from './ramp.ts';
import type { RunOptions } from './runner.ts';
import { Witness } from './witness.ts';
import { LIGHT_WITNESS_PACE } from './witness-lane.ts';

/**
 * The share of the coordinator's connections for the load. A connection dropped at its deadline leaves its backend
 * behind for a while, so as many again may be occupied; others need some too.
 */
const CONNECTION_SHARE = 0.45;
/** Even if the coordinator allows more. */
const MAX_LOAD_CONNECTIONS = 256;

export type PrepareOptions = Pick<
  RunOptions,
  | 'plan'
  | 'loadThread'
  | 'witnessThread'
  | 'originNs'
  | 'recorder'
  | 'workload'
  | 'workloadPlace'
  | 'realtime'
  | 'signal'
  | 'clock'
  | 'fit'
  | 'fitted'
>;

/** Threads that import their modules while the cluster is being created. */
export class SpareThreads implements AsyncDisposable {
  readonly load: SpareLoadThread;
  /** Present if the scenario has probes. */
  readonly probes: SpareLoadThread | undefined;

  constructor({ plan, loadThread, workloadPlace }: Pick<RunOptions, 'plan' | 'loadThread' | 'workloadPlace'>) {
    this.load = spareLoadThread(loadThread, 'workload', workloadPlace);
    this.probes = plan.scenario.probes && spareLoadThread(loadThread, 'probes');
  }

  /** Ends the threads that got no orders. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.load, this.probes].map((thread) => thread?.[Symbol.asyncDispose]()));
  }
}

/**
 * @param listeners receive the load from its start.
 * @throws EnvironmentError where no server that accepts writes answers.
 */
export async function prepareLoad(
  { plan, originNs, recorder, workload, workloadPlace, realtime, signal }: PrepareOptions,
  spare: SpareThreads,
  cluster: FormedCluster,
  listeners: readonly LoadListener[],
): Promise<PreparedLoad> {
  const { params } = plan.scenario.workload;
  const main = mainRoute(cluster.routes);
  const [maxConnections, writer] = await Promise.all([
    askOne(main, 'SHOW max_connections').then(Number),
    nextWriter(ledgerOf(workload, params), main),
  ]);
  const following = [...listeners];
  const load = await Load.prepare(
    spare.load,
    cluster.routes,
    {
      originNs,
      pace: paceOf(plan),
      realtime,
      partitionOfKey: cluster.placement.partitionOfKey,
      work: {
        type: 'workload',
        workload: workloadPlace,
        params,
        seed: plan.seed,
        writer,
        maxConnections: Math.max(1, Math.min(MAX_LOAD_CONNECTIONS, Math.floor(maxConnections * CONNECTION_SHARE))),
      },
    },
    {
      operations: (batch) => {
        recorder.operations(batch);
        for (const listener of following) listener.operations?.(batch);
      },
      open: (open) => {
        for (const listener of following) listener.open?.(open);
      },
      signal,
    },
  );
  return Object.assign(load, {
    writer,
    follow: (listener: LoadListener) => {
      following.push(listener);
      return () => void following.splice(following.indexOf(listener), 1);
    },
  });
}

export interface PreparedLoad extends Load<LoadKept> {
  /** The writer of its messages. */
  readonly writer: number;
  /** Adds a listener. @returns a function that removes it. */
  follow(listener: LoadListener): () => void;
}

/**
 * Raises the load to its rates.
 * @param meanwhile preparations that run at the same time.
 * @returns the kinds of operation, with the rates from now on.
 * @throws EnvironmentError where servers and client cannot sustain the scenario's load.
 */
export async function rampUp(
  options: PrepareOptions,
  load: PreparedLoad,
  meanwhile: Promise<unknown>,
): Promise<readonly OperationKind[]> {
  const { plan, workload, recorder, clock, signal, fit = false, fitted } = options;
  const kinds = workload.kinds(plan.scenario.workload.params);
  const count = new AnswerCount(kinds, paceOf(plan).handOverMs);
  const unfollow = load.follow(count);
  const share = await raise({ count, pace: (to) => load.start(to), clock, signal, fit, meanwhile });
  unfollow();
  if (share === 1) return kinds;
  const smaller = kinds.map((kind) => ({ ...kind, ratePerSecond: kind.ratePerSecond * share }));
  recorder.event({
    type: 'load-fitted',
    share,
    kinds: smaller.map(({ name, ratePerSecond }) => ({ name, ratePerSecond })),
  });
  fitted?.(share, smaller);
  return smaller;
}

export interface ProbeGround {
  readonly cluster: FormedCluster;
  readonly partitionKeys: readonly number[];
  /** The writer of their rows. */
  readonly run: number;
}

/** `run` is a number that no earlier run on these tables had; 0 where the scenario has neither probes nor pressure. */
export async function groundOf({ plan }: PrepareOptions, cluster: FormedCluster): Promise<ProbeGround> {
  const partitionKeys = keysToProbe(cluster.placement.partitionOfKey);
  if (!probesAreOn(plan.scenario)) return { cluster, partitionKeys, run: 0 };
  await using session = await connect(mainRoute(cluster.routes));
  return { cluster, partitionKeys, run: await nextProbeRun(session, ASK_TIMEOUT_MS) };
}

/** @returns `undefined` where the scenario has no probes. */
export async function prepareProbes(
  { plan, originNs, recorder, realtime, signal }: PrepareOptions,
  spare: SpareThreads,
  ground: Promise<ProbeGround>,
): Promise<Load<LoadKept> | undefined> {
  const { probes, cluster: topology } = plan.scenario;
  if (!probes || !spare.probes) return undefined;
  const { cluster, partitionKeys, run } = await ground;
  const { partitionOfKey } = cluster.placement;
  const kinds = probeKinds(probes, topology);
  return Load.prepare(
    spare.probes,
    cluster.routes,
    {
      originNs,
      pace: paceOf(plan),
      realtime,
      partitionOfKey,
      work: { type: 'probes', kinds, partitionKeys, run },
    },
    { operations: (batch) => recorder.probes(batch), signal },
  );
}

/** @returns `undefined` where roles do not move. */
export async function prepareWitness(
  { plan, witnessThread, originNs, recorder, signal }: PrepareOptions,
  { all }: Nodes,
  { roles, routes }: FormedCluster,
): Promise<Witness | undefined> {
  if (!roles) return undefined;
  const primary = mainRoute(routes);
  const pace = plan.scenario.cluster.inventory && LIGHT_WITNESS_PACE;
  return Witness.prepare({ nodes: all, primary, witnessThread, recorder, originNs, pace, signal });
}

/** @returns `undefined` where the scenario has no pressure. */
export async function preparePressure(
  { plan, loadThread, originNs, signal }: PrepareOptions,
  ground: Promise<ProbeGround>,
): Promise<Load<PressureKept> | undefined> {
  const { pressure } = plan.scenario;
  if (!pressure) return undefined;
  await using thread = spareLoadThread(loadThread, 'pressure');
  const { cluster, partitionKeys, run } = await ground;
  const { partitionOfKey } = cluster.placement;
  // The probes use `run`.
  const work = { type: 'pressure', ...pressure, partitionKeys, run: run + 1 } as const;
  const pace = paceOf(plan);
  return await Load.prepare<PressureKept>(thread, cluster.routes, { originNs, pace, partitionOfKey, work }, { signal });
}

/** Whether the run only measures a user's cluster, without faults. */
export function looksOn({ cluster, faults }: Pick<Scenario, 'cluster' | 'faults'>): boolean {
  return cluster.inventory !== undefined && faults.length === 0;
}

/** The pace of the load: as gentle as possible on servers that are in use. */
function paceOf({ scenario }: PrepareOptions['plan']): LoadPace {
  if (looksOn(scenario)) return WATCH_LOAD_PACE;
  return scenario.cluster.inventory ? LIGHT_LOAD_PACE : LOAD_PACE;
}

async function nextWriter(ledger: Ledger<unknown> | undefined, route: Route): Promise<number> {
  if (!ledger?.nextWriter) return 1;
  await using session = await connect(route);
  return await ledger.nextWriter(session, ASK_TIMEOUT_MS);
}

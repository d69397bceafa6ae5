/** The phases of a run: the only place where platform, engine, load and faults meet. */

import type { Engine, FormedCluster } from '../cluster/engine.ts';
import type { Nodes, Platform } from '../cluster/platform.ts';
import { mainRoute } from '../cluster/route.ts';
import type { Fault } from '../faults/fault.ts';
import { Begun } from '../model/begun.ts';
import type { Clock } from '../model/clock.ts';
import type { Observation, Phase } from '../model/event.ts';
import type { OperationKind } from '../model/history.ts';
import type { Plan } from '../model/plan.ts';
import { holdDescriptors, refuseWithoutDescriptors, withSpareDescriptors } from '../model/spare-descriptors.ts';
import type { PlacementMap } from '../model/topology.ts';
import { unlessAborted } from '../model/unless-aborted.ts';
import { pause } from '../model/until.ts';
import { type NamedServer, withServer } from '../sql/failure.ts';
import { ledgerOf, type Workload, type WorkloadPlace, type WorkloadProblem } from '../workloads/workload.ts';
import { connect } from './ask-node.ts';
import { describeNode } from './describe-node.ts';
import { lookForLeftovers, readEverything, readProbesInTheEnd, untilReplicasAgree } from './final-reads.ts';
import { ServiceGuard } from './guards.ts';
import { WHOLE_LIMIT_MS } from './healing.ts';
import { NodeWatch } from './node-watch.ts';
import { compareStorage, countWork, scaleReads } from './observations.ts';
import {
  groundOf,
  looksOn,
  prepareLoad,
  preparePressure,
  prepareProbes,
  prepareWitness,
  rampUp,
  SpareThreads,
} from './prepare.ts';
import { datasetOf, probesAreOn } from './probes.ts';
import { provision } from './provision.ts';
import type { Recorder } from './recorder.ts';
import { untilNothingIsInDoubt } from './recovery.ts';
import { LIGHT_ROLES_EVERY_MS, ROLES_EVERY_MS, RoleWatch } from './role-watch.ts';
import { ServiceMonitor } from './service-monitor.ts';
import {
  adviseRepair,
  mayEnd,
  nodesToFill,
  pickTargets,
  predict,
  refuseLacking,
  refuseUnsteady,
  strike,
  verifyHealing,
} from './strike.ts';

/** Replicas get at least this long to catch up, even if service used up the settle limit. */
const MIN_CATCH_UP_MS = 5_000;
const POLL_MS = 50;
/** Grace period for work under way when a run is interrupted. */
const ABORT_GRACE_MS = 2_000;

export interface RunOptions {
  readonly plan: Plan;
  /** Picks the open targets of the plan, and stores it. */
  readonly place: (placement: PlacementMap) => Plan;
  readonly platform: Platform;
  readonly engine: Engine;
  readonly reason: string;
  readonly faults: ReadonlyMap<string, Fault>;
  readonly workload: Workload;
  readonly workloadPlace: WorkloadPlace;
  /** Makes an error with places from problems of the scenario's workload. */
  readonly refusal: (problems: readonly WorkloadProblem[]) => Error;
  readonly observe: ReadonlySet<Observation>;
  /** After healing, wait until the load has read each partition key again whose last read failed. */
  readonly asksAgain: boolean;
  readonly loadThread: URL;
  readonly witnessThread: URL;
  readonly folder: string;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly originNs: bigint;
  readonly signal: AbortSignal;
  /** Runs the load and probe threads at realtime priority; false by default. */
  readonly realtime?: boolean;
  /** Continues with a smaller load where servers and client cannot sustain the whole one. False by default. */
  readonly fit?: boolean;
  readonly fitted?: (share: number, kinds: readonly OperationKind[]) => void;
  /** Called with progress before there are events, such as the download of an image. */
  readonly say: (line: string) => void;
}

/**
 * Runs a plan from provision to dispose, and records everything.
 * @throws after healing and disposing: the signal's reason when aborted, an `EnvironmentError` when nodes cannot be
 * created.
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: the phases of a run in their order, each within the resources of the one before.
export async function run(asked: RunOptions): Promise<void> {
  const { platform, engine, recorder, signal, folder, clock } = asked;
  const { scenario } = asked.plan;

  using descriptors = holdDescriptors();
  await using spare = new SpareThreads(asked);
  const nodes = await inPhase(recorder, 'provision', () =>
    provision(platform, engine, {
      cluster: scenario.cluster,
      folder,
      needs: asked.plan.acts.flatMap(({ fault }) => asked.faults.get(fault)?.needs ?? []),
      sizedData: nodesToFill(asked),
      signal,
      say: asked.say,
    }),
  );
  try {
    const cluster = await inPhase(
      recorder,
      'form',
      async () => {
        const formed = await form(asked, nodes);
        await setUp(asked, formed);
        return formed;
      },
      signal,
    );
    const options = await pickTargets(asked, cluster);
    await refuseLacking(options, nodes, cluster);
    const guard = new ServiceGuard(scenario.guards?.abortWhen ?? [], scenario.steadyStateMs);
    // In parallel, since each waits for connections and answers. The ramp starts before probes and witness are ready.
    const ground = groundOf(options, cluster);
    await using loading = new Begun(prepareLoad(options, spare, cluster, [guard]));
    await using probing = new Begun(prepareProbes(options, spare, ground));
    await using pressing = new Begun(preparePressure(options, ground));
    await using witnessing = new Begun(prepareWitness(options, nodes, cluster));
    const { run: probeRun } = await ground;
    const load = await loading.ready;
    const pressure = await pressing.ready;
    predict(options, cluster);

    const kinds = await inPhase(
      recorder,
      'ramp',
      async () => {
        pressure?.start();
        return rampUp(options, load, Promise.all([probing.ready, witnessing.ready]));
      },
      signal,
    );
    const [probes, witness] = await Promise.all([probing.ready, witnessing.ready]);
    const monitor = new ServiceMonitor(kinds, options);
    load.follow(monitor);

    await using _watch = new NodeWatch({
      // A watch is meant to observe what people do to the nodes, so it does not watch for foreign changes.
      nodes: scenario.watchMs === undefined ? nodes.all.filter((node) => !node.byConnectionAlone) : [],
      recorder,
      clock,
      mayEnd: mayEnd(options),
      ...(cluster.restarts ? { restarts: cluster.restarts } : {}),
    });
    const { params } = scenario.workload;
    const observed = { ...options, nodes, cluster, ledger: ledgerOf(options.workload, params), params };
    await using _roles = await RoleWatch.start({
      cluster,
      recorder,
      everyMs: looksOn(scenario) ? LIGHT_ROLES_EVERY_MS : ROLES_EVERY_MS,
    });
    const work = await unlessAborted(countWork(observed), signal);
    await inPhase(
      recorder,
      'steady-state',
      async () => {
        load.measure();
        probes?.start();
        witness?.start();
        await pause(scenario.steadyStateMs, signal);
        await refuseUnsteady(guard, options);
        await work.since();
      },
      signal,
    );
    const faultsFrom = clock.nowMs();
    try {
      await inPhase(recorder, 'fault', () => strike(observed, guard));
    } finally {
      adviseRepair(options, cluster);
    }
    const settledBy = clock.nowMs() + scenario.settleWithinMs;
    await inPhase(
      recorder,
      'settle',
      async () => {
        // A watch has no healing to recover from, so service during the watch counts.
        const since = scenario.watchMs === undefined ? clock.nowMs() : faultsFrom;
        await settle(monitor, clock, { since, until: settledBy }, signal);
        // Probes first: the load closes hundreds of connections at once, which briefly keeps the servers busy.
        const probesKept = await probes?.stop();
        recorder.event({ type: 'load-kept', writer: load.writer, ...(await load.stop()) });
        if (probesKept) recorder.event({ type: 'load-kept', of: 'probes', ...probesKept });
        await witness?.stop();
        if (pressure) recorder.event({ type: 'pressure', ...(await pressure.stop()) });
        // The final reads need them, and nothing competes for them any more.
        descriptors[Symbol.dispose]();
      },
      signal,
    );
    const loadStoppedAt = clock.nowMs();
    const catchUpMs = Math.max(MIN_CATCH_UP_MS, settledBy - loadStoppedAt);
    await inPhase(
      recorder,
      'final-reads',
      async () => {
        const inDoubt = await untilNothingIsInDoubt(observed);
        await untilReplicasAgree(observed, { limitMs: inDoubt ? MIN_CATCH_UP_MS : catchUpMs, loadStoppedAt });
        await allEnded([
          lookForLeftovers(observed),
          readEverything(observed),
          probes && cluster.roles && readProbesInTheEnd(observed, probeRun),
          witness?.read(),
          verifyHealing(options, nodes, inDoubt ? MIN_CATCH_UP_MS : WHOLE_LIMIT_MS),
        ]);
        // One after the other, because each measures.
        await compareStorage(observed);
        await scaleReads(observed);
      },
      signal,
    );
  } catch (error) {
    throw withServer(error, serversOf(nodes));
  } finally {
    await inPhase(recorder, 'dispose', () => withSpareDescriptors(() => nodes.dispose()));
  }
  refuseWithoutDescriptors();
}

function serversOf({ all }: Nodes): NamedServer[] {
  return all.map((node) => ({ name: node.name, ...node.address() }));
}

/** @param signal ends the phase when aborted, whatever the work waits for; without it, the work ends by itself. */
async function inPhase<T>(recorder: Recorder, phase: Phase, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  recorder.event({ type: 'phase-started', phase });
  try {
    return await unlessAborted(work(), signal, ABORT_GRACE_MS);
  } finally {
    recorder.event({ type: 'phase-ended', phase });
  }
}

/** Waits until all works have ended, so that none continues after a failure. @throws the first error. */
async function allEnded(works: readonly (Promise<unknown> | undefined | false)[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works)) if (outcome.status === 'rejected') throw outcome.reason;
}

async function form(options: RunOptions, nodes: Nodes): Promise<FormedCluster> {
  const { plan, platform, engine, reason, workload, recorder, signal } = options;
  const { cluster, workload: chosen } = plan.scenario;
  const dataset = datasetOf(workload, chosen.params, probesAreOn(plan.scenario));
  const formed = await engine.form({ nodes, topology: cluster, dataset, signal });
  const about = await platform.about?.(nodes.all);
  recorder.event({
    type: 'cluster-formed',
    platform: platform.name,
    engine: engine.name,
    reason,
    nodes: await Promise.all(nodes.all.map((node) => describeNode(node, cluster.nodes, formed.version))),
    ...(about === undefined ? {} : { about }),
    placement: formed.placement,
    routes: Object.values(formed.routes).map(({ name, access }) => ({ name, access })),
  });
  return formed;
}

/** @throws the scenario's problems, where the server does not accept the workload's statements. */
async function setUp({ workload, plan, refusal }: RunOptions, { routes }: FormedCluster): Promise<void> {
  if (!workload.setUp) return;
  await using session = await connect(mainRoute(routes));
  const problems = await workload.setUp(session, plan.scenario.workload.params);
  if (problems.length > 0) throw refusal(problems);
}

async function settle(
  monitor: ServiceMonitor,
  clock: Clock,
  { since, until }: { readonly since: number; readonly until: number },
  signal: AbortSignal,
): Promise<void> {
  while (!monitor.restored(clock.nowMs(), since) && clock.nowMs() < until) await pause(POLL_MS, signal);
}

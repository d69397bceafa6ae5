/** The faults of a run, from their targets to the verification of healing. */

import type { FormedCluster } from '../cluster/engine.ts';
import type { Capability, Nodes } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import { type NodeName, nodeNames } from '../model/topology.ts';
import { pause } from '../model/until.ts';
import { isOpen, lostTogether } from '../plan/schedule.ts';
import { type FinalReadsOptions, readFork } from './final-reads.ts';
import type { ServiceGuard } from './guards.ts';
import { untilWhole } from './healing.ts';
import { Injector, type MovingRoles, newMark } from './injector.ts';
import type { RunOptions } from './runner.ts';
import { UndoJournal } from './undo-journal.ts';

const POLL_MS = 50;
/** Operations are handed over 20 times a second, but later on a starved machine. */
const REPORT_LIMIT_MS = 2_000;

/** Nodes whose disk a fault may fill: all nodes while targets are open. */
export function nodesToFill({ plan: { acts, scenario }, faults }: RunOptions): NodeName[] {
  const filling = acts.filter(({ fault }) => faults.get(fault)?.needs.includes('disk-full'));
  const anyNode = filling.some(({ targets }) => targets.length === 0);
  return nodeNames(scenario.cluster).filter((node) => anyNode || filling.some(({ targets }) => targets.includes(node)));
}

/** Picks the open targets of the plan, now that the placement is known. */
export async function pickTargets(options: RunOptions, { placement }: FormedCluster): Promise<RunOptions> {
  if (!isOpen(options.plan)) return options;
  const plan = await options.place(placement);
  options.recorder.event({
    type: 'targets-picked',
    acts: plan.acts.flatMap(({ index, fault, targets, picked }) =>
      picked === undefined ? [] : [{ act: index, fault, targets, picked }],
    ),
  });
  return { ...options, plan };
}

/** @throws EnvironmentError where a fault cannot strike a node in its current state; then nothing has been broken. */
export async function refuseLacking(
  { plan, faults }: RunOptions,
  { all }: Nodes,
  cluster: FormedCluster,
): Promise<void> {
  for (const { fault, targets, atStrike, params } of plan.acts) {
    const struck = all.filter(({ name }) => atStrike || targets.includes(name));
    const reasons = await Promise.all(struck.map((node) => faults.get(fault)?.lacking?.(node, params, cluster)));
    // The role's holder may be one of the nodes that can be struck.
    if (atStrike && reasons.includes(undefined)) continue;
    for (const [i, node] of struck.entries()) {
      const reason = reasons[i];
      if (reason === undefined) continue;
      throw new EnvironmentError(`${fault} cannot be done to ${node.name}: ${reason}`, {
        code: 'capability-missing',
        hint: 'run without attaching, so that pgquake creates a cluster, or use another fault',
      });
    }
  }
}

/** Records the engine's prediction for every set of nodes to strike; where roles move, only at the strike. */
export function predict({ plan, faults, engine, recorder }: RunOptions, { placement, roles }: FormedCluster): void {
  if (roles) return;
  for (const { down, frozen } of lostTogether(plan.acts, (name) => faults.get(name)?.effect)) {
    const { partitions } = engine.expect({ placement }, { down: new Set(down), frozen: new Set(frozen) });
    recorder.event({ type: 'predicted', down, ...(frozen.length === 0 ? {} : { frozen }), partitions });
  }
}

/**
 * Refuses to strike while service is bad, because a fault's effect would not show. First waits until the steady state's
 * operations settle.
 * @throws EnvironmentError where service is bad.
 */
export async function refuseUnsteady(
  guard: ServiceGuard,
  { plan, workload, clock, signal }: RunOptions,
): Promise<void> {
  if (plan.acts.length === 0) return;
  const endedAt = clock.nowMs();
  const longestMs = Math.max(...workload.kinds(plan.scenario.workload.params).map(({ deadlineMs }) => deadlineMs));
  const giveUpAt = endedAt + longestMs + REPORT_LIMIT_MS;
  while (!guard.settledUntil(endedAt) && clock.nowMs() < giveUpAt) await pause(POLL_MS, signal);
  const reason = guard.unsteady(endedAt);
  if (reason === undefined) return;
  throw new EnvironmentError(`the steady state is not steady, so pgquake broke nothing: ${reason}`, {
    code: 'steady-state-unsteady',
    hint: 'lower the rates, give the operations a longer deadline, or check the cluster',
  });
}

/** Runs all acts within the guards. Without faults, just waits for `watchMs`, or as long as the steady state. */
export async function strike(options: RunOptions & FinalReadsOptions, guard: ServiceGuard): Promise<void> {
  const { plan, folder, signal, clock, recorder } = options;
  if (plan.acts.length === 0) {
    const { watchMs, steadyStateMs } = plan.scenario;
    await pause(watchMs ?? steadyStateMs, signal);
    return;
  }
  using journal = new UndoJournal(folder);
  const tripped = new AbortController();
  const stop = AbortSignal.any([signal, tripped.signal]);
  const startedAt = clock.nowMs();
  const watch = setInterval(() => {
    const reason = guard.tripped(clock.nowMs(), startedAt);
    if (reason === undefined || stop.aborted) return;
    recorder.event({ type: 'guard-tripped', reason });
    tripped.abort(new EnvironmentError(`a guard ended the faults: ${reason}`, { code: 'guard-tripped' }));
  }, POLL_MS);
  try {
    const moving = movingRoles(options);
    const specs = plan.scenario.cluster.nodes;
    await new Injector({ ...options, specs, signal: stop, moving, journal, mark: newMark() }).run(plan.acts);
  } catch (error) {
    // A guard tripped and all is healed; the run continues, to check the data.
    if (signal.aborted || !tripped.signal.aborted) throw error;
  } finally {
    clearInterval(watch);
  }
}

function movingRoles(options: RunOptions & FinalReadsOptions): MovingRoles | undefined {
  const { plan, engine, cluster, recorder, signal } = options;
  const { placement, roles, comeBack } = cluster;
  if (!roles) return undefined;
  const { own } = plan.scenario.cluster;
  return {
    roles: () => roles(signal),
    expect(act, { nodes: lostNodes, things }, now) {
      const { down, frozen } = lostNodes ?? { down: [], frozen: [] };
      const loss = { down: new Set(down), frozen: new Set(frozen), lost: things };
      const { partitions, promise } = engine.expect({ placement, roles: now, own }, loss);
      if (lostNodes)
        recorder.event({ type: 'predicted', down, ...(frozen.length === 0 ? {} : { frozen }), partitions });
      if (promise) recorder.event({ type: 'promised', act, lost: things, promise });
    },
    comeBack: async (node, undo) =>
      comeBack ? comeBack(node, { undo, beforeErased: (one, timeline) => readFork(options, one, timeline) }) : undo(),
  };
}

/** Whether a fault may end, freeze or restart a server, or take away resources that it needs. */
export function mayEnd({ faults }: RunOptions): (fault: string) => boolean {
  const ENDING = new Set<Capability>(['backend-kill', 'resource-limits', 'disk-full']);
  return (name) => {
    const fault = faults.get(name);
    return fault === undefined || fault.effect !== undefined || fault.needs.some((need) => ENDING.has(need));
  };
}

/** Records the commands for nodes that do not come back, whether or not they have. */
export function adviseRepair({ plan, recorder, faults }: RunOptions, cluster: FormedCluster): void {
  const takenAway = plan.acts.filter(({ fault }) => faults.get(fault)?.effect).flatMap(({ targets }) => targets);
  const away = nodeNames(plan.scenario.cluster).filter((node) => takenAway.includes(node));
  const commands = away.length === 0 ? [] : (cluster.repairCommands?.(new Set(away)) ?? []);
  if (commands.length > 0) recorder.event({ type: 'repair', away, commands });
}

/**
 * Records what acts have left behind after healing.
 * @param limitMs short where waiting for prepared transactions was already in vain.
 */
export async function verifyHealing(
  { plan, recorder, signal }: RunOptions,
  nodes: Nodes,
  limitMs: number,
): Promise<void> {
  if (plan.acts.length === 0) return;
  const lostForMs = Math.max(...plan.acts.map(({ forMs }) => forMs));
  const left = await untilWhole(nodes.all, { limitMs, lostForMs, signal, ofOthers: nodes.attached !== undefined });
  const advice =
    plan.scenario.cluster.attach === undefined
      ? 'nothing: pgquake removes the cluster; the logs of its servers are in logs/'
      : nodes.attached
        ? 'check the nodes named; pgquake changes nothing more in this cluster'
        : `check it with "pgquake status", restart its nodes with "pgquake restart"; until then no run can attach to it`;
  recorder.event({ type: 'healing-verified', left, ...(left.length === 0 ? {} : { advice }) });
}

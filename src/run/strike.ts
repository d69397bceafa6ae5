/**
 * The faults of a run: their targets, what keeps them from being done, the strike within guards, and what is left
 * afterwards.
 */

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
/** What has settled is handed over 20 times a second; on a starved machine it takes longer. */
const REPORT_LIMIT_MS = 2_000;

/** Where targets are not picked yet, it may be any node. */
export function nodesToFill({ plan: { acts, scenario }, faults }: RunOptions): NodeName[] {
  const filling = acts.filter(({ fault }) => faults.get(fault)?.needs.includes('disk-full'));
  const anyNode = filling.some(({ targets }) => targets.length === 0);
  return nodeNames(scenario.cluster).filter((node) => anyNode || filling.some(({ targets }) => targets.includes(node)));
}

/** What a plan leaves open is known now; nothing else of it changes. */
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

/** @throws EnvironmentError where a fault cannot be done to a node as it is; nothing is broken then. */
export async function refuseLacking(
  { plan, faults }: RunOptions,
  { all }: Nodes,
  cluster: FormedCluster,
): Promise<void> {
  for (const { fault, targets, atStrike, params } of plan.acts) {
    const struck = all.filter(({ name }) => atStrike || targets.includes(name));
    const reasons = await Promise.all(struck.map((node) => faults.get(fault)?.lacking?.(node, params, cluster)));
    // Whoever has the role then will be one of those that can be struck.
    if (atStrike && reasons.includes(undefined)) continue;
    for (const [i, node] of struck.entries()) {
      const reason = reasons[i];
      if (reason === undefined) continue;
      throw new EnvironmentError(`${fault} cannot be done to ${node.name}: ${reason}`, {
        code: 'capability-missing',
        hint: 'let the run make a cluster of its own, without attaching, or break it in another way',
      });
    }
  }
}

/**
 * Says what the engine promises for every set of nodes that will be down or frozen together, before any is. Where roles
 * move, that is known when the fault strikes.
 */
export function predict({ plan, faults, engine, recorder }: RunOptions, { placement, roles }: FormedCluster): void {
  if (roles) return;
  for (const { down, frozen } of lostTogether(plan.acts, (name) => faults.get(name)?.effect)) {
    const { partitions } = engine.expect({ placement }, { down: new Set(down), frozen: new Set(frozen) });
    recorder.event({ type: 'predicted', down, ...(frozen.length === 0 ? {} : { frozen }), partitions });
  }
}

/**
 * Whatever a fault did to a service that was bad before, nobody could tell. So what was due in the steady state is
 * waited for, for as long as its deadlines allow, and the fault strikes only then.
 * @throws EnvironmentError where the service is not well.
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
  throw new EnvironmentError(`the steady state is not steady, so nothing was broken: ${reason}`, {
    code: 'steady-state-unsteady',
    hint: 'lower the rates, give the operations a longer deadline, or look at the cluster',
  });
}

/** A run without faults watches the healthy cluster for as long again as its steady state. */
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
    // All is healed; the run goes on to see what became of the data.
    if (signal.aborted || !tripped.signal.aborted) throw error;
  } finally {
    clearInterval(watch);
  }
}

/** Of a cluster whose roles move: what the injector needs of it. */
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

/** Faults that take a server down, freeze it, start it anew, or leave it without what it needs to go on. */
export function mayEnd({ faults }: RunOptions): (fault: string) => boolean {
  const ENDING = new Set<Capability>(['backend-kill', 'resource-limits', 'disk-full']);
  return (name) => {
    const fault = faults.get(name);
    return fault === undefined || fault.effect !== undefined || fault.needs.some((need) => ENDING.has(need));
  };
}

/** The commands that a person needs for nodes that do not come back; told whether they have or not. */
export function adviseRepair({ plan, recorder, faults }: RunOptions, cluster: FormedCluster): void {
  const takenAway = plan.acts.filter(({ fault }) => faults.get(fault)?.effect).flatMap(({ targets }) => targets);
  const away = nodeNames(plan.scenario.cluster).filter((node) => takenAway.includes(node));
  const commands = away.length === 0 ? [] : (cluster.repairCommands?.(new Set(away)) ?? []);
  if (commands.length > 0) recorder.event({ type: 'repair', away, commands });
}

/**
 * Nothing of any act is left, once all are healed.
 * @param limitMs short where the wait for what is prepared has been in vain already.
 */
export async function verifyHealing(
  { plan, recorder, signal }: RunOptions,
  nodes: Nodes,
  limitMs: number,
): Promise<void> {
  if (plan.acts.length === 0) return;
  const left = await untilWhole(nodes.all, { limitMs, signal, ofOthers: nodes.attached !== undefined });
  const advice =
    plan.scenario.cluster.attach === undefined
      ? 'nothing, the cluster is removed; the logs of its servers are in logs/'
      : nodes.attached
        ? 'look at the nodes named; pgquake changes nothing more of this cluster'
        : `look at it with "pgquake status", restart its nodes with "pgquake restart"; no run attaches to it as long as this is so`;
  recorder.event({ type: 'healing-verified', left, ...(left.length === 0 ? {} : { advice }) });
}

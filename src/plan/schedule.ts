/** Makes the exact schedule of a run from a scenario: picks targets and numbers the acts. Pure. */

import type { Lost } from '../model/loss.ts';
import type { PickedAtStrike, Plan, PlannedAct } from '../model/plan.ts';
import type { FaultStep, Scenario, TargetSpec } from '../model/scenario.ts';
import {
  dataNodes,
  entryNode,
  type LostNodes,
  type NodeEffect,
  type NodeName,
  nodeNames,
  type Partition,
  type PlacementMap,
  ringPlacement,
  type Topology,
} from '../model/topology.ts';
import { type RandomIndex, seededIndex } from './random.ts';
import {
  countOf,
  isOpenUntilStrike,
  needsPlacement,
  type ResolvedTarget,
  resolveTargets,
  selectorWords,
} from './target.ts';

export interface PlanOptions {
  /** Determines everything random in the run. From 0 to 2^32 - 1. */
  readonly seed: number;
  /** Every fault strikes once by default. */
  readonly strikesOf?: StrikesOf;
  /** Where the partitions are, if known. Without it, targets that name partitions stay open. */
  readonly placement?: PlacementMap | undefined;
}

/** The effect of a fault on its targets, by the fault's name. */
export type EffectOf = (fault: string) => NodeEffect | undefined;

/** The strikes of a fault that ends by itself; `undefined` for one that lasts for its `for`. */
export type StrikesOf = (
  fault: string,
  targets: readonly NodeName[],
  params: PlannedAct['params'],
) => readonly PlannedStrike[] | undefined;

/** Upper bound of the random number that decides a pick at the strike. */
const MAX_DRAW = 2 ** 30;

type PlannedStrike = Pick<PlannedAct, 'targets' | 'forMs'> & { readonly gapMs: number };

/** Resolves a scenario. The same scenario, seed and placement give the same plan. */
export function makePlan(scenario: Scenario, options: PlanOptions): Plan {
  const { seed, strikesOf = () => undefined, placement } = options;
  const { cluster } = scenario;
  const randomIndex = seededIndex(seed);
  const faults = scenario.faults.map((step) => onTime(step, randomIndex));
  const targets = targetsOf(faults, cluster, randomIndex, placement);
  const acts: PlannedAct[] = [];
  for (const [step, { fault, target, atMs, forMs, params }] of faults.entries()) {
    const resolved = targets?.[step];
    const open = isOpenUntilStrike(target);
    const struck = (open ? undefined : resolved?.nodes) ?? standIns(target, cluster);
    const draw = open ? randomIndex(MAX_DRAW) : 0;
    const picked = resolved ? resolved.picked : selectorWords(target, cluster);
    let nextAtMs = atMs;
    for (const [nth, strike] of (
      strikesOf(fault, struck, params) ?? [{ targets: struck, gapMs: 0, forMs }]
    ).entries()) {
      const index = acts.length;
      nextAtMs += strike.gapMs;
      acts.push({
        index,
        fault,
        targets: !open && (resolved || 'nodes' in target) ? strike.targets : [],
        ...(open ? { atStrike: atStrike(target, strike.targets, struck, draw) } : {}),
        ...(picked === undefined ? {} : { picked }),
        atMs: nextAtMs,
        forMs: strike.forMs,
        ...(nth === 0 ? {} : { after: { act: index - 1, gapMs: strike.gapMs } }),
        params,
      });
      nextAtMs += strike.forMs;
    }
  }
  const partitions = placement?.partitions ?? ringPlacement(dataNodes(cluster), cluster);
  const nodes = nodeNames(cluster).filter((node) => acts.some((act) => act.targets.includes(node)));
  const throughAll = [entryNode(cluster), placement?.writesAlsoNeed];
  const touched = (struck: readonly NodeName[]) => partitionsTouched(struck, partitions, throughAll);
  return {
    scenario,
    seed,
    acts,
    placement: partitions,
    blastRadius: { nodes, partitions: touched(nodes), ofActs: acts.map((act) => touched(act.targets)) },
  };
}

/** Adds the step's random delay. */
function onTime(step: FaultStep, randomIndex: RandomIndex): FaultStep {
  const { jitterMs, ...rest } = step;
  return jitterMs ? { ...rest, atMs: step.atMs + randomIndex(jitterMs + 1) } : rest;
}

/** The targets of all steps; `undefined` while one needs the placement, because each pick depends on the others. */
function targetsOf(
  faults: readonly FaultStep[],
  cluster: Topology,
  randomIndex: RandomIndex,
  placement: PlacementMap | undefined,
): readonly ResolvedTarget[] | undefined {
  if (!placement && faults.some(({ target }) => needsPlacement(target))) return undefined;
  return resolveTargets(faults, cluster, randomIndex, placement);
}

/** Stand-ins for the nodes of a target; only their number matters. */
export function standIns(target: TargetSpec, cluster: Omit<Topology, 'partitions'>): readonly NodeName[] {
  if ('nodes' in target) return target.nodes;
  return Array.from({ length: countOf(target, cluster) }, (_, i) => `pick ${i + 1}`);
}

/** Whether some targets cannot be picked until the partitions are placed. */
export function isOpen({ acts }: Pick<Plan, 'acts'>): boolean {
  return acts.some(({ targets, atStrike }) => targets.length === 0 && !atStrike);
}

/** The acts with targets by role filled in as for a new cluster, whose first member is the primary. */
export function asFormed({ acts, scenario }: Pick<Plan, 'acts' | 'scenario'>): readonly PlannedAct[] {
  if (!acts.some((act) => act.atStrike)) return acts;
  const members = dataNodes(scenario.cluster);
  return acts.map((act) => {
    if (!act.atStrike) return act;
    const from = act.atStrike.role === 'primary' ? members.slice(0, 1) : members.slice(1);
    return { ...act, targets: act.atStrike.which.flatMap((index) => from[index] ?? []) };
  });
}

function atStrike(
  { roleAtStrike: role, pick }: Extract<TargetSpec, { readonly roleAtStrike: unknown }>,
  targets: readonly NodeName[],
  struck: readonly NodeName[],
  draw: number,
): PickedAtStrike {
  const which = targets.map((node) => struck.indexOf(node));
  return { role, draw, which, ...(pick === undefined ? { all: true as const } : {}) };
}

/**
 * The names of partitions that a fault on these nodes may affect.
 * @param throughAll nodes that every partition needs: the one that all statements pass, the one that every write needs.
 */
function partitionsTouched(
  nodes: readonly NodeName[],
  placement: readonly Partition[],
  throughAll: readonly (NodeName | undefined)[],
): readonly string[] {
  const all = nodes.some((node) => throughAll.includes(node));
  const touched = placement.filter(({ copies }) => all || copies.some((node) => nodes.includes(node)));
  return touched.map(({ name }) => name);
}

/**
 * The nonempty sets of nodes that are down or frozen together, each once, in order of time. An act that ends as another
 * begins does not overlap with it.
 */
export function lostTogether(acts: readonly PlannedAct[], effectOf: EffectOf): LostNodes[] {
  const harmful = acts.filter(({ fault }) => effectOf(fault));
  const edges = harmful.flatMap(({ atMs, forMs }) => [atMs, atMs + forMs]).sort((a, b) => a - b);
  const sets = new Map<string, LostNodes>();
  for (const edge of edges) {
    const active = harmful.filter(({ atMs, forMs }) => atMs <= edge && edge < atMs + forMs);
    const struck = (effect: NodeEffect) => {
      const acting = active.filter(({ fault }) => effectOf(fault) === effect);
      return [...new Set(acting.flatMap((act) => act.targets))].sort(byNumber);
    };
    const lost = { down: struck('down'), frozen: struck('frozen') };
    if (active.length > 0) sets.set(`${lost.down.join()} ${lost.frozen.join()}`, lost);
  }
  return [...sets.values()];
}

/** The sets of things that the schedule takes away together, each once, in order of time. */
export function thingsTogether(acts: readonly PlannedAct[], lostBy: (act: PlannedAct) => readonly Lost[]): Lost[][] {
  const taking = acts.map((act) => ({ ...act, lost: lostBy(act) })).filter(({ lost }) => lost.length > 0);
  const sets = new Map<string, Lost[]>();
  for (const { atMs } of taking.toSorted((a, b) => a.atMs - b.atMs)) {
    const active = taking.filter((act) => act.atMs <= atMs && atMs < act.atMs + Math.max(1, act.forMs));
    const lost = active.flatMap((act) => act.lost);
    sets.set(JSON.stringify(lost), lost);
  }
  return [...sets.values()];
}

/** `worker2` before `worker10`. */
function byNumber(a: NodeName, b: NodeName): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

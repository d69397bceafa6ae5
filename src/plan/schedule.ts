/** From a scenario to the exact schedule of a run: targets picked, acts numbered. Pure. */

import type { Plan, PlannedAct } from '../model/plan.ts';
import type { Scenario } from '../model/scenario.ts';
import { type NodeName, nodeNames, ringPlacement } from '../model/topology.ts';
import { seededIndex } from './random.ts';
import { resolveTargets } from './target.ts';

export interface PlanOptions {
  /** Everything random in the run follows from it. From 0 to 2^32 - 1. */
  readonly seed: number;
  /** Whether a fault takes its targets down, by the fault's name. */
  readonly takesDown: (fault: string) => boolean;
}

/** Resolves a scenario. The same scenario and seed give the same plan. */
export function makePlan(scenario: Scenario, { seed, takesDown }: PlanOptions): Plan {
  const { cluster, faults } = scenario;
  const targets = resolveTargets(faults, cluster, seededIndex(seed));
  const acts = faults.map(
    ({ fault, atMs, forMs, params }, index): PlannedAct => ({
      index,
      fault,
      targets: targets[index] ?? [],
      atMs,
      forMs,
      params,
    }),
  );
  const struck = new Set(acts.filter(({ fault }) => takesDown(fault)).flatMap((act) => act.targets));
  return {
    scenario,
    seed,
    acts,
    placement: ringPlacement(cluster),
    blastRadius: nodeNames(cluster).filter((node) => struck.has(node)),
  };
}

/**
 * The sets of nodes that are down together at one time or another of the schedule, each once, in the order
 * of time; the empty set is left out. Acts that touch only at their edges are not down together.
 */
export function downSets(acts: readonly PlannedAct[], takesDown: (fault: string) => boolean): NodeName[][] {
  const harmful = acts.filter(({ fault }) => takesDown(fault));
  const edges = harmful.flatMap(({ atMs, forMs }) => [atMs, atMs + forMs]).sort((a, b) => a - b);
  const sets = new Map<string, NodeName[]>();
  for (const edge of edges) {
    const down = harmful.filter(({ atMs, forMs }) => atMs <= edge && edge < atMs + forMs);
    const nodes = [...new Set(down.flatMap((act) => act.targets))].sort(byNumber);
    if (nodes.length > 0) sets.set(nodes.join(), nodes);
  }
  return [...sets.values()];
}

/** `worker2` before `worker10`, the coordinator first. */
function byNumber(a: NodeName, b: NodeName): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

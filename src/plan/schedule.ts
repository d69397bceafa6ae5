/** From a scenario to the exact schedule of a run: targets picked, acts numbered. Pure. */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Plan, PlannedAct } from '../model/plan.ts';
import type { Scenario, TargetSpec } from '../model/scenario.ts';
import { type NodeName, nodeNames, ringPlacement, workerNames } from '../model/topology.ts';

export interface PlanOptions {
  /** Everything random in the run follows from it. From 0 to 2^32 - 1. */
  readonly seed: number;
  /** Whether a fault takes its targets down, by the fault's name. */
  readonly takesDown: (fault: string) => boolean;
}

/** Resolves a scenario. The same scenario and seed give the same plan. */
export function makePlan(scenario: Scenario, { seed, takesDown }: PlanOptions): Plan {
  const generator = xoroshiro128plus(seed);
  const acts = scenario.faults.map((step, index): PlannedAct => {
    const targets = resolve(step.target, scenario, (max) => uniformInt(generator, 0, max));
    return { index, fault: step.fault, targets, atMs: step.atMs, forMs: step.forMs, params: step.params };
  });
  const order = nodeNames(scenario.cluster);
  const struck = new Set(acts.filter((act) => takesDown(act.fault)).flatMap((act) => act.targets));
  return {
    scenario,
    seed,
    acts,
    placement: ringPlacement(scenario.cluster),
    blastRadius: order.filter((node) => struck.has(node)),
  };
}

function resolve(target: TargetSpec, scenario: Scenario, randomUpTo: (max: number) => number): NodeName[] {
  const order = nodeNames(scenario.cluster);
  if ('nodes' in target) return order.filter((node) => target.nodes.includes(node));
  const left = workerNames(scenario.cluster);
  const picked = Array.from({ length: target.pick }, () => left.splice(randomUpTo(left.length - 1), 1)[0] as NodeName);
  return order.filter((node) => picked.includes(node));
}

/**
 * The sets of nodes that are down together at one time or another of the schedule, in the order of time;
 * each once, the empty set left out. Acts that touch only at their edges do not overlap.
 */
export function downSets(acts: readonly PlannedAct[], takesDown: (fault: string) => boolean): NodeName[][] {
  const harmful = acts.filter((act) => takesDown(act.fault));
  const moments = [...new Set(harmful.map((act) => act.atMs))].sort((a, b) => a - b);
  const ends = [...new Set(harmful.map((act) => act.atMs + act.forMs))];
  const sets = new Map<string, NodeName[]>();
  for (const moment of [...moments, ...ends].sort((a, b) => a - b)) {
    const down = harmful
      .filter((act) => act.atMs <= moment && moment < act.atMs + act.forMs)
      .flatMap((act) => act.targets);
    const set = [...new Set(down)].sort();
    if (set.length > 0) sets.set(set.join(), set);
  }
  return [...sets.values()];
}

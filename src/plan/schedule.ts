/** From a scenario to the exact schedule of a run: targets picked, acts numbered. Pure. */

import type { Plan, PlannedAct } from '../model/plan.ts';
import type { Scenario } from '../model/scenario.ts';
import { type LostNodes, type NodeEffect, type NodeName, nodeNames, ringPlacement } from '../model/topology.ts';
import { seededIndex } from './random.ts';
import { resolveTargets } from './target.ts';

export interface PlanOptions {
  /** Everything random in the run follows from it. From 0 to 2^32 - 1. */
  readonly seed: number;
  readonly effectOf: EffectOf;
  /** Every fault strikes once by default. */
  readonly strikesOf?: StrikesOf;
}

/** What a fault, by its name, makes of its targets. */
export type EffectOf = (fault: string) => NodeEffect | undefined;

/** The strikes of a fault that has an end of its own; `undefined` for one that lasts for its `for`. */
export type StrikesOf = (
  fault: string,
  targets: readonly NodeName[],
  params: PlannedAct['params'],
) => readonly PlannedStrike[] | undefined;

type PlannedStrike = Pick<PlannedAct, 'targets' | 'forMs'> & { readonly gapMs: number };

/** Resolves a scenario. The same scenario and seed give the same plan. */
export function makePlan(scenario: Scenario, { seed, effectOf, strikesOf = () => undefined }: PlanOptions): Plan {
  const { cluster, faults } = scenario;
  const targets = resolveTargets(faults, cluster, seededIndex(seed));
  const acts: PlannedAct[] = [];
  for (const [step, { fault, atMs, forMs, params }] of faults.entries()) {
    const struck = targets[step] ?? [];
    let nextAtMs = atMs;
    for (const [nth, strike] of (
      strikesOf(fault, struck, params) ?? [{ targets: struck, gapMs: 0, forMs }]
    ).entries()) {
      const index = acts.length;
      nextAtMs += strike.gapMs;
      const after = nth === 0 ? {} : { after: { act: index - 1, gapMs: strike.gapMs } };
      acts.push({ index, fault, targets: strike.targets, atMs: nextAtMs, forMs: strike.forMs, ...after, params });
      nextAtMs += strike.forMs;
    }
  }
  const struck = new Set(acts.filter(({ fault }) => effectOf(fault)).flatMap((act) => act.targets));
  return {
    scenario,
    seed,
    acts,
    placement: ringPlacement(cluster),
    blastRadius: nodeNames(cluster).filter((node) => struck.has(node)),
  };
}

/**
 * The sets of nodes that are down or frozen together at one time or another of the schedule, each once, in
 * the order of time; the empty set is left out. Acts that touch only at their edges are not in it together.
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

/** `worker2` before `worker10`, the coordinator first. */
function byNumber(a: NodeName, b: NodeName): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

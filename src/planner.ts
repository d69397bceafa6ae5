/** Makes the plan of a run from a scenario and its variants. Pure, except that it draws a missing seed. */

import { randomInt } from 'node:crypto';
import type { Check } from './checks/check.ts';
import type { Engine } from './cluster/engine.ts';
import { type Fault, takenBy } from './faults/fault.ts';
import { InputError } from './model/errors.ts';
import type { Observation } from './model/event.ts';
import { type Lost, lostBy } from './model/loss.ts';
import { suggestion } from './model/nearest.ts';
import { MAX_SEED, type Plan, type PlannedAct } from './model/plan.ts';
import type { Roles } from './model/roles.ts';
import type { Scenario } from './model/scenario.ts';
import { dataNodes, type PlacementMap, type Topology } from './model/topology.ts';
import { wholeNumber } from './model/whole-number.ts';
import { asFormed, type EffectOf, isOpen, lostTogether, makePlan } from './plan/schedule.ts';
import { keyOf } from './plan/target.ts';
import type { Workload } from './workloads/workload.ts';

/** Default for `guards.max-down` on a cluster of an inventory. */
const MAX_DOWN_OF_OTHERS = 1;

export interface PlannerOptions {
  /** Overrides the scenario's seed; drawn where neither is given. From 0 to 2^32 - 1. */
  readonly seed?: number | undefined;
  /** Where the partitions are, if known. Without it, targets that name partitions stay open. */
  readonly placement?: PlacementMap | undefined;
}

/**
 * Makes the plan of a run. Starts nothing.
 * @throws InputError where it strikes too many nodes at once, can pick only nodes that another fault strikes, or its seed is
 * out of range.
 */
export function planOf(
  faults: readonly Fault[],
  scenario: Scenario,
  { seed = scenario.seed ?? randomInt(2 ** 32), placement }: PlannerOptions = {},
): Plan {
  const plan = makePlan(scenario, {
    seed: wholeNumber('seed', seed, 0, MAX_SEED),
    strikesOf: (fault, targets, params) => faultNamed(faults, fault)?.strikes?.(targets, params),
    placement,
  });
  refuseTooWide(plan);
  return plan;
}

/** Picks the open targets of a plan. Returns the plan itself if it has none, or if the placement is unknown. */
export function placedPlan(faults: readonly Fault[], plan: Plan, placement: PlacementMap | undefined): Plan {
  return placement && isOpen(plan) ? planOf(faults, plan.scenario, { seed: plan.seed, placement }) : plan;
}

/** Where an engine will put the partitions that targets name, if it knows before there is a cluster. */
export function layoutOf(engine: Engine, { cluster, faults }: Scenario): PlacementMap | undefined {
  const partitionKeys = faults.flatMap(({ target }) => keyOf(target) ?? []);
  return engine.layout?.(cluster, [...new Set(partitionKeys)]);
}

/** @throws InputError where the plan strikes more nodes at once than the guards allow. */
function refuseTooWide({ scenario, acts }: Plan): void {
  const { guards, cluster } = scenario;
  const maxDown = guards?.maxDown ?? (cluster.inventory ? MAX_DOWN_OF_OTHERS : undefined);
  if (maxDown === undefined) return;
  // Every fault counts, whatever it does to its node.
  const tooMany = lostTogether(asFormed({ acts, scenario }), () => 'down').find(({ down }) => down.length > maxDown);
  if (!tooMany) return;
  const { file, line, column } = guards?.place ?? { file: scenario.file, line: 1, column: 1 };
  const by = guards?.maxDown === undefined ? `, the default for a cluster of an inventory` : '';
  throw new InputError(
    `${file}:${line}:${column} guards.max-down: at most ${maxDown} may be struck at once${by}, but ${tooMany.down.join(', ')} would be`,
    { code: 'blast-radius', hint: 'strike fewer nodes, one after the other, or allow more' },
  );
}

/** How long the schedule takes, from the steady state to the end of settling. */
export function plannedMs({ scenario, acts }: Plan): number {
  const faultsMs = Math.max(0, ...acts.map(({ atMs, forMs }) => atMs + forMs));
  return scenario.steadyStateMs + (scenario.watchMs ?? 0) + faultsMs + scenario.settleWithinMs;
}

/** The observations that the checks of the hypothesis need, besides what every run records. */
export function observationsFor(checks: readonly Check[], scenario: Scenario): ReadonlySet<Observation> {
  return new Set(askedFor(checks, scenario).flatMap(({ needs = [] }) => needs));
}

/** Whether one of these checks must see each partition key read again after healing. */
export function asksAgain(checks: readonly Check[], scenario: Scenario): boolean {
  return askedFor(checks, scenario).some((check) => check.asksAgain);
}

function askedFor(checks: readonly Check[], { hypothesis }: Scenario): Check[] {
  const asked = new Set(hypothesis.map(({ check }) => check));
  return checks.filter(({ name }) => asked.has(name));
}

function faultNamed(faults: readonly Fault[], name: string): Fault | undefined {
  return faults.find((fault) => fault.name === name);
}

/** The effect of each fault on its targets, by the fault's name. */
export function effectsOf(faults: readonly Fault[]): EffectOf {
  return (name) => faultNamed(faults, name)?.effect;
}

export function takenAway(
  faults: readonly Fault[],
  { nodes }: Pick<Topology, 'nodes'>,
): (act: PlannedAct) => readonly Lost[] {
  // A newly formed cluster has its first member as primary.
  const roles: Roles = Object.fromEntries(
    dataNodes({ nodes }).map((name, i) => [name, { role: i === 0 ? 'primary' : 'standby' }]),
  );

  return ({ fault: name, targets, params }) => {
    const fault = faultNamed(faults, name);
    const taken = fault && takenBy(fault, params);
    return taken ? targets.map((node) => lostBy(taken, node, { nodes, roles })) : [];
  };
}

/**
 * Finds a workload by name.
 * @throws InputError where there is none: a stored plan may be older than the catalogue.
 */
export function workloadNamed(workloads: readonly Workload[], name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (found) return found;
  const known = workloads.map((workload) => workload.name);
  throw new InputError(`there is no workload "${name}"; ${suggestion(name, known)}`, {
    code: 'workload-unknown',
    hint: 'name your own workloads in pgquake.config.ts',
  });
}

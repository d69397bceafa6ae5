/** From a scenario and the variants that it names to the plan of a run. Pure, but for a seed that nobody gives. */

import { randomInt } from 'node:crypto';
import type { Check } from './checks/check.ts';
import type { Engine } from './cluster/engine.ts';
import { type Fault, takenBy } from './faults/fault.ts';
import { InputError } from './model/errors.ts';
import type { Observation } from './model/event.ts';
import { type Lost, lostBy } from './model/loss.ts';
import { suggestion } from './model/nearest.ts';
import type { Plan, PlannedAct } from './model/plan.ts';
import type { Roles } from './model/roles.ts';
import type { Scenario } from './model/scenario.ts';
import { dataNodes, type PlacementMap, type Topology } from './model/topology.ts';
import { asFormed, type EffectOf, isOpen, lostTogether, makePlan } from './plan/schedule.ts';
import { keyOf } from './plan/target.ts';
import type { Workload } from './workloads/workload.ts';

/** Struck at one time, where a scenario says nothing else. */
const MAX_DOWN_OF_OTHERS = 1;

export interface PlannerOptions {
  /** Over the scenario's own; drawn where neither is given. From 0 to 2^32 - 1. */
  readonly seed?: number | undefined;
  /** Of the partitions, where it is known; without it, targets that speak of partitions stay open. */
  readonly placement?: PlacementMap | undefined;
}

/**
 * The plan of a run, with its seed drawn. Starts nothing.
 * @throws InputError where it strikes more at one time than it may, or picks what others strike.
 */
export function planOf(
  faults: readonly Fault[],
  scenario: Scenario,
  { seed = scenario.seed ?? randomInt(2 ** 32), placement }: PlannerOptions = {},
): Plan {
  const plan = makePlan(scenario, {
    seed,
    strikesOf: (fault, targets, params) => faultNamed(faults, fault)?.strikes?.(targets, params),
    placement,
  });
  refuseTooWide(plan);
  return plan;
}

/** The same plan, with the targets picked that were open; as it is where none were, or nobody knows yet. */
export function placedPlan(faults: readonly Fault[], plan: Plan, placement: PlacementMap | undefined): Plan {
  return placement && isOpen(plan) ? planOf(faults, plan.scenario, { seed: plan.seed, placement }) : plan;
}

/** Where an engine will put the partitions that targets speak of, where it knows without a cluster. */
export function layoutOf(engine: Engine, { cluster, faults }: Scenario): PlacementMap | undefined {
  const partitionKeys = faults.flatMap(({ target }) => keyOf(target) ?? []);
  return engine.layout?.(cluster, [...new Set(partitionKeys)]);
}

/** @throws InputError where more nodes would be struck at one time than the scenario's guards allow. */
function refuseTooWide({ scenario, acts }: Plan): void {
  const { guards, cluster } = scenario;
  const maxDown = guards?.maxDown ?? (cluster.inventory ? MAX_DOWN_OF_OTHERS : undefined);
  if (maxDown === undefined) return;
  // Whatever a fault does to a node, it counts.
  const tooMany = lostTogether(asFormed({ acts, scenario }), () => 'down').find(({ down }) => down.length > maxDown);
  if (!tooMany) return;
  const { file, line, column } = guards?.place ?? { file: scenario.file, line: 1, column: 1 };
  const by = guards?.maxDown === undefined ? `, by default in a cluster of an inventory` : '';
  throw new InputError(
    `${file}:${line}:${column} guards.max-down: at most ${maxDown} may be struck at once${by}, and ${tooMany.down.join(', ')} would be`,
    { code: 'blast-radius', hint: 'strike fewer nodes, one after the other, or allow more' },
  );
}

/** By its schedule, from the steady state to the end of settling. */
export function plannedMs({ scenario, acts }: Plan): number {
  const faultsMs = Math.max(0, ...acts.map(({ atMs, forMs }) => atMs + forMs));
  return scenario.steadyStateMs + (scenario.watchMs ?? 0) + faultsMs + scenario.settleWithinMs;
}

/** What the checks of a hypothesis need beyond what every run records. */
export function observationsFor(checks: readonly Check[], scenario: Scenario): ReadonlySet<Observation> {
  return new Set(askedFor(checks, scenario).flatMap(({ needs = [] }) => needs));
}

/** Whether one of them has to see each partition key read again after healing. */
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

/** What these faults, by their names, make of their targets. */
export function effectsOf(faults: readonly Fault[]): EffectOf {
  return (name) => faultNamed(faults, name)?.effect;
}

/** What these faults, by their names, take away from the targets of an act. */
export function takenAway(
  faults: readonly Fault[],
  { nodes }: Pick<Topology, 'nodes'>,
): (act: PlannedAct) => readonly Lost[] {
  // As they are formed: the first member is the primary.
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
 * A workload by its name.
 * @throws InputError where there is none: a stored plan may be older than the catalogue.
 */
export function workloadNamed(workloads: readonly Workload[], name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (found) return found;
  const known = workloads.map((workload) => workload.name);
  throw new InputError(`there is no workload "${name}"; ${suggestion(name, known)}`, {
    code: 'workload-unknown',
    hint: 'a workload of your own is named in pgquake.config.ts',
  });
}

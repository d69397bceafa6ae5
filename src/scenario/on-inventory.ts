/** Adapts a scenario for a cluster that pgquake creates to an existing cluster. */

import type { Engine } from '../cluster/engine.ts';
import { InputError } from '../model/errors.ts';
import type { Inventory } from '../model/inventory.ts';
import type { FaultStep, Scenario } from '../model/scenario.ts';
import { leavesNoTables, type Workload } from '../workloads/workload.ts';
import { clusterOf } from './cluster.ts';

interface Known {
  readonly workloads: readonly Workload[];
  readonly engines: readonly Engine[];
}

/** The kinds of operation that chat and ledger have in common. */
const SHARED_KINDS = ['read', 'scan', 'write'] as const;

/**
 * Returns the scenario on the cluster of an inventory. Replaces a workload that would create tables among the user's
 * with the ledger, at the same rates.
 * @throws InputError with the reason where the scenario does not fit.
 */
export function onInventory(scenario: Scenario, inventory: Inventory, known: Known): Scenario {
  const misfit = misfitOf(scenario, inventory, known);
  if (misfit !== undefined) {
    throw new InputError(`${scenario.file} does not fit the cluster ${inventory.name}: ${misfit}`, {
      code: 'scenario-unfit',
      hint: '"pgquake attach check <inventory>" lists the shipped scenarios that fit',
    });
  }
  const { confirm } = scenario.cluster;
  return {
    ...scenario,
    cluster: clusterOf(inventory, known.engines, confirm === undefined ? {} : { confirm }),
    workload: leavingNoTables(scenario.workload, known.workloads),
  };
}

/** Why a scenario does not fit the cluster of an inventory, in words; `undefined` where it does. */
export function misfitOf(
  { cluster, faults, workload }: Scenario,
  inventory: Inventory,
  known: Known,
): string | undefined {
  const strange = faults.flatMap((step) => misfitOfStep(step, inventory));
  if (strange[0] !== undefined) return strange[0];
  if (!cluster.movingRoles) return 'it is made for workers beside a coordinator';
  const wanted = clusterOf(inventory, known.engines).engine;
  const manages = inventory.manager !== undefined;
  if (cluster.own && cluster.own.engine !== wanted && !manages)
    return `it is made for the engine ${cluster.own.engine}`;
  const chosen = known.workloads.find(({ name }) => name === workload.use);
  if (chosen && !leavesNoTables(chosen) && !SHARED_KINDS.every((kind) => kind in workload.params)) {
    return `its workload ${workload.use} creates tables outside the schema pgquake`;
  }
  return undefined;
}

function misfitOfStep({ fault, target }: FaultStep, { nodes }: Inventory): string[] {
  if ('roleAtStrike' in target) {
    const standbys = nodes.length - 1;
    const wanted = typeof target.pick === 'number' ? target.pick : 1;
    if (target.roleAtStrike === 'primary' || wanted <= standbys) return [];
    return [
      `${fault} strikes ${wanted} ${wanted === 1 ? 'standby' : 'standbys'}, but there ${standbys === 1 ? 'is' : 'are'} ${standbys}`,
    ];
  }
  if ('purpose' in target) return [`${fault} strikes the ${target.purpose}, but the inventory names none`];
  if (!('nodes' in target)) return [`${fault} strikes workers`];
  const missing = target.nodes.filter((name) => !nodes.some((node) => node.name === name));
  return missing.length === 0 ? [] : [`${fault} strikes ${missing.join(', ')}, which the inventory does not have`];
}

function leavingNoTables({ use, params }: Scenario['workload'], workloads: readonly Workload[]): Scenario['workload'] {
  const chosen = workloads.find(({ name }) => name === use);
  const other = workloads.find((one) => one.inOwnSchema);
  if (!chosen || !other || leavesNoTables(chosen)) return { use, params };
  const paces = Object.fromEntries(SHARED_KINDS.map((kind) => [kind, params[kind]]));
  return { use: other.name, params: { ...(other.params.parse({}) as Readonly<Record<string, unknown>>), ...paces } };
}

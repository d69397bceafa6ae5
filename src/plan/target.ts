/** Which nodes a fault strikes: named ones as they are, picks from the run's random numbers. Pure. */

import type { FaultStep, TargetSpec } from '../model/scenario.ts';
import { type NodeName, nodeNames, type Topology, workerNames } from '../model/topology.ts';
import type { RandomIndex } from './random.ts';

/**
 * The nodes of each step, in the order of the cluster. A pick never takes a node that another step strikes
 * at the same time; a validated scenario leaves enough of them.
 */
export function resolveTargets(
  steps: readonly FaultStep[],
  topology: Topology,
  randomIndex: RandomIndex,
): readonly NodeName[][] {
  const order = nodeNames(topology);
  const resolved: (readonly NodeName[] | undefined)[] = steps.map(({ target }) => named(target));
  for (const [index, step] of steps.entries()) {
    if (!('pick' in step.target)) continue;
    const struck = new Set(steps.flatMap((other, i) => (overlapping(step, other) ? (resolved[i] ?? []) : [])));
    const free = workerNames(topology).filter((node) => !struck.has(node));
    resolved[index] = draw(free, step.target.pick, randomIndex);
  }
  return resolved.map((nodes) => order.filter((node) => nodes?.includes(node)));
}

/** Whether two acts are in effect at one time, also where one begins as the other ends: healing takes a moment. */
export function overlapping(a: Pick<FaultStep, 'atMs' | 'forMs'>, b: Pick<FaultStep, 'atMs' | 'forMs'>): boolean {
  return a.atMs <= b.atMs + b.forMs && b.atMs <= a.atMs + a.forMs;
}

function named(target: TargetSpec): readonly NodeName[] | undefined {
  return 'nodes' in target ? target.nodes : undefined;
}

function draw(from: readonly NodeName[], count: number, randomIndex: RandomIndex): NodeName[] {
  if (count > from.length) throw new Error(`cannot pick ${count} of ${from.length} nodes`);
  const left = [...from];
  return Array.from({ length: count }, () => left.splice(randomIndex(left.length), 1)[0] as NodeName);
}

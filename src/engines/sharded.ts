/** Shared by engines with a coordinator, which every statement passes, and workers, which hold the shards. */

import type { NodeControl, Nodes } from '../cluster/platform.ts';
import { nodeRoute, type Route } from '../cluster/route.ts';
import type { NodeName, NodeSpec } from '../model/topology.ts';

export const COORDINATOR: NodeName = 'coordinator';

/** The members of `Engine` that these engines share. */
export const SHARDED = {
  partitionWord: 'shard',

  nodes: (holding: number): NodeSpec[] => [
    { name: COORDINATOR, role: 'coordinator', part: 'entry' },
    ...Array.from({ length: holding }, (_, i): NodeSpec => ({ name: `worker${i + 1}`, role: 'worker', part: 'data' })),
  ],
} as const;

export function coordinatorOf({ all }: Pick<Nodes, 'all'>): NodeControl {
  const found = all.find(({ name }) => name === COORDINATOR);
  if (!found) throw new Error(`the cluster has no ${COORDINATOR}`);
  return found;
}

export function workersOf({ all }: Pick<Nodes, 'all'>): readonly NodeControl[] {
  return all.filter(({ name }) => name !== COORDINATOR);
}

/** The route of every statement, through the coordinator. */
export function coordinatorRoute(nodes: Pick<Nodes, 'all'>): Route {
  return nodeRoute(coordinatorOf(nodes));
}

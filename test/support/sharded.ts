/** Topologies of a coordinator with workers, as tests write them down, and their nodes. */

import { memberNodes } from '../../src/engines/members.ts';
import { native } from '../../src/engines/native.ts';
import { dataNodes, type Partition, ringPlacement, type Topology } from '../../src/model/topology.ts';
import type { Shape } from '../../src/plan/tolerance/layouts.ts';

export { COORDINATOR, coordinatorOf, workersOf } from '../../src/engines/sharded.ts';
export { workersNamed } from '../../src/plan/tolerance/layouts.ts';

export function sharded({ workers, replication, partitions: shards }: Shape): Topology {
  return { nodes: native.nodes(workers), replication, partitions: shards, partitionWord: 'shard' };
}

/** Members that each hold everything. */
export function undivided(members: number): Topology {
  return { nodes: memberNodes(members), replication: members, partitions: 1 };
}

/** What these nodes hold, laid out as a ring. */
export function ring(of: Shape | Topology): Partition[] {
  const topology = 'nodes' in of ? of : sharded(of);
  return ringPlacement(dataNodes(topology), topology);
}

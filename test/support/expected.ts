/** What an engine expects of every partition while some nodes are lost. */

import type { Engine } from '../../src/cluster/engine.ts';
import type { NodeName, PartitionPrediction, PlacementMap } from '../../src/model/topology.ts';

export function expected(
  engine: Engine,
  placement: PlacementMap,
  down: ReadonlySet<NodeName>,
  frozen: ReadonlySet<NodeName> = new Set(),
): readonly PartitionPrediction[] {
  return engine.expect({ placement }, { down, frozen }).partitions;
}

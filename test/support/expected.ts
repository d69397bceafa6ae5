/** What an engine expects of every shard while some nodes are lost. */

import type { Engine } from '../../src/cluster/engine.ts';
import type { NodeName, PlacementMap, ShardPrediction } from '../../src/model/topology.ts';

export function expected(
  engine: Engine,
  placement: PlacementMap,
  down: ReadonlySet<NodeName>,
  frozen: ReadonlySet<NodeName> = new Set(),
): readonly ShardPrediction[] {
  return engine.expect({ placement }, { down, frozen }).shards;
}

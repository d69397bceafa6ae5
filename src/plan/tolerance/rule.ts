/** What an engine needs of a shard's placements, as far as tolerance depends on it. */

import type { NodeName, PlacementMap, ShardPrediction } from '../../model/topology.ts';

export const RULES = ['native', 'citus'] as const;

/**
 * - `native`: readable and writable while one of them lives.
 * - `citus`: readable while one lives, writable only while all live.
 */
export type Rule = (typeof RULES)[number];

/** What a rule expects of every shard while these workers are down; the coordinator is up. */
export function predictByRule(
  rule: Rule,
  { shards }: Pick<PlacementMap, 'shards'>,
  down: ReadonlySet<NodeName>,
): ShardPrediction[] {
  return shards.map(({ name, placements }) => {
    const someLives = placements.some((node) => !down.has(node));
    const allLive = placements.every((node) => !down.has(node));
    return { shard: name, readable: someLives, writable: rule === 'native' ? someLives : allLive };
  });
}

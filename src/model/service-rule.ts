/**
 * What an engine needs of its nodes to serve a shard: the one rule behind plans, the check `prediction`, the map of
 * tolerance and its proof. Pure.
 */

import type { NodeName, Shard, ShardAccess, ShardPrediction } from './topology.ts';

/** Which worker holds what; every worker counts, also one that holds nothing. */
export interface Placement {
  readonly workers: readonly NodeName[];
  readonly shards: readonly Pick<Shard, 'name' | 'placements'>[];
  /** Both as in `PlacementMap`. */
  readonly entry?: NodeName;
  readonly writesAlsoNeed?: NodeName;
}

/** A read needs one holder of its shard, and asks the first that is not down. */
export interface ServiceRule {
  /** The engine whose rule it is. */
  readonly name: string;
  /** The holders of its shard that a write needs. */
  readonly writeNeeds: 'one-holder' | 'all-holders';
  /** A node that every write needs beside the holders of its shard, where shards are placed so. None by default. */
  writesAlsoNeed?(placement: Placement): NodeName | undefined;
  /** Holders in the order in which a read asks them. By default as they are given. */
  readingOrder?(holders: readonly NodeName[]): readonly NodeName[];
}

/** A placement as a cluster of this engine will have it: with its reading order, and what writes need besides. */
export function placedBy(rule: ServiceRule, placement: Placement): Placement {
  const { workers, shards, entry } = placement;
  const also = placement.writesAlsoNeed ?? rule.writesAlsoNeed?.(placement);
  const order = rule.readingOrder;
  return {
    workers,
    shards: order ? shards.map((shard) => ({ ...shard, placements: order(shard.placements) })) : shards,
    ...(entry === undefined ? {} : { entry }),
    ...(also === undefined ? {} : { writesAlsoNeed: also }),
  };
}

/** Every node that a write to each shard needs, where it needs all holders; each node once. */
export function writeSets({ workers, shards, writesAlsoNeed: also }: Placement): Placement {
  if (also === undefined) return { workers, shards };
  const needed = (holders: readonly NodeName[]) => (holders.includes(also) ? holders : [...holders, also]);
  return { workers, shards: shards.map(({ name, placements }) => ({ name, placements: needed(placements) })) };
}

/** What the rule expects of every shard while these nodes are down, or frozen. */
export function predictBy(
  rule: ServiceRule,
  { shards, entry, writesAlsoNeed }: Pick<Placement, 'shards' | 'entry' | 'writesAlsoNeed'>,
  down: ReadonlySet<NodeName>,
  frozen: ReadonlySet<NodeName> = new Set(),
): ShardPrediction[] {
  const also = writesAlsoNeed === undefined ? [] : [writesAlsoNeed];
  const servedBy = (needs: readonly (NodeName | undefined)[]): 'yes' | 'no' | 'stalls' => {
    if (entry !== undefined && down.has(entry)) return 'no';
    // Nothing behind a frozen entry can refuse.
    if (entry !== undefined && frozen.has(entry)) return 'stalls';
    if (needs.some((node) => node === undefined || down.has(node))) return 'no';
    return needs.some((node) => frozen.has(node as NodeName)) ? 'stalls' : 'yes';
  };
  return shards.map(({ name, placements }) => {
    const asked = placements.find((node) => !down.has(node));
    const served = {
      read: servedBy([asked]),
      write: servedBy(rule.writeNeeds === 'one-holder' ? [asked, ...also] : [...placements, ...also]),
    };
    const stalled = (['read', 'write'] as const).filter((access: ShardAccess) => served[access] === 'stalls');
    return {
      shard: name,
      readable: served.read === 'yes',
      writable: served.write === 'yes',
      ...(stalled.length === 0 ? {} : { stalled }),
    };
  });
}

/** The rule in words. @param placement names the node that every write needs, where there is one. */
export function describeRule(
  { writeNeeds }: ServiceRule,
  { writesAlsoNeed }: Pick<Placement, 'writesAlsoNeed'>,
): string {
  if (writeNeeds === 'one-holder') return 'a shard can be read and written while one of its placements lives';
  const also = writesAlsoNeed === undefined ? '' : `, and ${writesAlsoNeed} for every shard`;
  return `a shard can be read while one of its placements lives; a write needs all of them${also}`;
}

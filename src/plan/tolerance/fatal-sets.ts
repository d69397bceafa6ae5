/** The smallest sets of workers whose loss is felt, by name, and what each cuts off. */

import type { Placement } from '../../model/service-rule.ts';
import type { NodeName } from '../../model/topology.ts';
import { type HolderSets, membersOf, shardsOfWorkers, sizeOf } from './holders.ts';

export interface FatalSet {
  readonly workers: readonly NodeName[];
  /** How many shards it cuts off, and the names of the first of them. */
  readonly cutsOff: number;
  readonly shards: readonly string[];
}

export interface FatalSets {
  /** Workers in each. */
  readonly size: number;
  /** How many sets of that size are fatal. */
  readonly count: number;
  /** Those that cut off most come first; not all of them where there are many. */
  readonly sets: readonly FatalSet[];
}

/** Sets of workers that hold every placement of a shard. */
export function smallestFatalForReads(placement: Placement, sets: HolderSets, listed: number): FatalSets {
  let size = Number.POSITIVE_INFINITY;
  for (let s = 0; s < sets.count; s++) size = Math.min(size, sizeOf(sets, s));
  const smallest = Array.from({ length: sets.count }, (_, s) => s).filter((s) => sizeOf(sets, s) === size);
  const worstFirst = smallest.sort((a, b) => (sets.shards[b] as number) - (sets.shards[a] as number));
  const named = worstFirst
    .slice(0, listed)
    .map((s) => [...membersOf(sets, s)].map((w) => placement.workers[w] as NodeName));
  return {
    size,
    count: smallest.length,
    sets: named.map((workers) =>
      cutOff(placement, workers, listed, ({ placements }) => placements.every((name) => workers.includes(name))),
    ),
  };
}

/**
 * Workers that a write to some shard needs.
 * @param placement every worker that a write to each shard needs; `sets` are its own.
 */
export function smallestFatalForWrites(placement: Placement, sets: HolderSets, listed: number): FatalSets {
  const held = shardsOfWorkers(sets);
  const holders = Array.from(held, (_, w) => w).filter((w) => held[w] !== 0);
  const worstFirst = holders.sort((a, b) => (held[b] as number) - (held[a] as number));
  return {
    size: 1,
    count: holders.length,
    sets: worstFirst.slice(0, listed).map((w) => {
      const name = placement.workers[w] as NodeName;
      return cutOff(placement, [name], listed, ({ placements }) => placements.includes(name));
    }),
  };
}

function cutOff(
  { shards }: Placement,
  workers: readonly NodeName[],
  listed: number,
  isLost: (shard: Placement['shards'][number]) => boolean,
): FatalSet {
  const lost = shards.filter(isLost);
  return { workers, cutsOff: lost.length, shards: lost.slice(0, listed).map(({ name }) => name) };
}

/** The smallest sets of workers whose loss cuts off partitions, and which ones. */

import type { Placement } from '../../model/service-rule.ts';
import type { NodeName } from '../../model/topology.ts';
import { type HolderSets, membersOf, partitionsOfWorkers, sizeOf } from './holders.ts';

export interface FatalSet {
  readonly workers: readonly NodeName[];
  /** How many partitions it cuts off, and the first of their names. */
  readonly cutsOff: number;
  readonly partitions: readonly string[];
}

export interface FatalSets {
  /** Workers in each set. */
  readonly size: number;
  /** How many sets of that size are fatal. */
  readonly count: number;
  /** Those that cut off most come first; limited in number. */
  readonly sets: readonly FatalSet[];
}

/** Sets of workers that hold every placement of a partition. */
export function smallestFatalForReads(placement: Placement, sets: HolderSets, listed: number): FatalSets {
  let size = Number.POSITIVE_INFINITY;
  for (let s = 0; s < sets.count; s++) size = Math.min(size, sizeOf(sets, s));
  const smallest = Array.from({ length: sets.count }, (_, s) => s).filter((s) => sizeOf(sets, s) === size);
  const worstFirst = smallest.sort((a, b) => (sets.partitions[b] as number) - (sets.partitions[a] as number));
  const named = worstFirst
    .slice(0, listed)
    .map((s) => [...membersOf(sets, s)].map((w) => placement.workers[w] as NodeName));
  return {
    size,
    count: smallest.length,
    sets: named.map((workers) =>
      cutOff(placement, workers, listed, ({ copies }) => copies.every((name) => workers.includes(name))),
    ),
  };
}

/**
 * Single workers that a write to some partition needs.
 * @param placement with all workers that a write to each partition needs; `sets` are its sets.
 */
export function smallestFatalForWrites(placement: Placement, sets: HolderSets, listed: number): FatalSets {
  const held = partitionsOfWorkers(sets);
  const holders = Array.from(held, (_, w) => w).filter((w) => held[w] !== 0);
  const worstFirst = holders.sort((a, b) => (held[b] as number) - (held[a] as number));
  return {
    size: 1,
    count: holders.length,
    sets: worstFirst.slice(0, listed).map((w) => {
      const name = placement.workers[w] as NodeName;
      return cutOff(placement, [name], listed, ({ copies }) => copies.includes(name));
    }),
  };
}

function cutOff(
  { partitions }: Placement,
  workers: readonly NodeName[],
  listed: number,
  isLost: (partition: Placement['partitions'][number]) => boolean,
): FatalSet {
  const lost = partitions.filter(isLost);
  return { workers, cutsOff: lost.length, partitions: lost.slice(0, listed).map(({ name }) => name) };
}

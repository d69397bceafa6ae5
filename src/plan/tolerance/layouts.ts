/** Common placements, for any number of workers, copies and partitions. */

import type { Placement } from '../../model/service-rule.ts';
import { type NodeName, type Partition, partitionName, ringPlacement } from '../../model/topology.ts';
import { type RandomIndex, seededIndex } from '../random.ts';

export const LAYOUTS = ['ring', 'random', 'groups'] as const;

/**
 * - `ring`: partition i on workers i, i+1, and so on; what Citus and the native engine do.
 * - `random`: each partition on randomly drawn workers, with an even number of placements on every worker.
 * - `groups`: disjoint groups of workers that hold the same partitions. If the number of workers is not a multiple of
 *   the copies, some groups are larger and are rings inside.
 */
export type Layout = (typeof LAYOUTS)[number];

/** The size of a placement. */
export interface Shape {
  /** From 1. */
  readonly workers: number;
  /** Copies of every partition, from 1 to `workers`. */
  readonly replication: number;
  /** From 1. */
  readonly partitions: number;
}

export function workersNamed(count: number): NodeName[] {
  return Array.from({ length: count }, (_, i) => `worker${i + 1}`);
}

/** @param seed used only by `random`. */
export function layOut(layout: Layout, shape: Shape, seed: number): Placement {
  const workers = workersNamed(shape.workers);
  switch (layout) {
    case 'ring':
      return { workers, partitions: ringPlacement(workers, shape) };
    case 'random':
      return { workers, partitions: randomPlacement(shape, workers, seed) };
    case 'groups':
      return { workers, partitions: groupPlacement(shape, workers) };
  }
}

function randomPlacement({ replication, partitions }: Shape, workers: readonly NodeName[], seed: number): Partition[] {
  const random = seededIndex(seed);
  // Deals from shuffled decks, so that no worker gets more than its share. A worker that the partition already has goes
  // back into the deck for the next one.
  let deck: NodeName[] = [];
  return Array.from({ length: partitions }, (_, index) => {
    const copies: NodeName[] = [];
    const held: NodeName[] = [];
    while (copies.length < replication) {
      if (deck.length === 0) deck = shuffled(workers, random);
      const card = deck.pop() as NodeName;
      if (copies.includes(card)) held.push(card);
      else copies.push(card);
    }
    deck.push(...held);
    return { index, name: partitionName(index), copies };
  });
}

function shuffled(names: readonly NodeName[], random: RandomIndex): NodeName[] {
  const result = [...names];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [result[i], result[j]] = [result[j] as NodeName, result[i] as NodeName];
  }
  return result;
}

function groupPlacement({ replication, partitions }: Shape, workers: readonly NodeName[]): Partition[] {
  const groupCount = Math.floor(workers.length / replication);
  // Spreads leftover workers over the groups, so that sizes differ as little as possible.
  const groups = Array.from({ length: groupCount }, (_, g) =>
    workers.slice(Math.floor((g * workers.length) / groupCount), Math.floor(((g + 1) * workers.length) / groupCount)),
  );
  const homes = groups.flatMap((group) => group.map((_, position) => ({ group, position })));
  return Array.from({ length: partitions }, (_, index) => {
    const { group, position } = homes[index % homes.length] as (typeof homes)[number];
    const copies = Array.from(
      { length: replication },
      (_, copy) => group[(position + copy) % group.length] as NodeName,
    );
    return { index, name: partitionName(index), copies };
  });
}

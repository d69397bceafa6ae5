/**
 * Reduces a placement to what decides its tolerance: the sets of workers that hold partitions, and the number of
 * partitions on each. 32,768 partitions in a ring of 1,000 workers are 1,000 sets. Workers become numbers here.
 */

import type { Placement } from '../../model/service-rule.ts';

/** Distinct sets of holders, in compressed rows: set `s` is `members[start[s] .. start[s + 1])`, ascending. */
export interface HolderSets {
  readonly workers: number;
  readonly count: number;
  readonly start: Int32Array;
  readonly members: Int32Array;
  /** Partitions held by exactly this set. */
  readonly partitions: Int32Array;
  /** Number of copies -> number of partitions, ascending. */
  readonly copies: ReadonlyMap<number, number>;
  /** The inverse: worker `w` is in the sets `setsOf[setsStart[w] .. setsStart[w + 1])`. */
  readonly setsStart: Int32Array;
  readonly setsOf: Int32Array;
}

/** Collapses partitions with the same holders. The placement must be valid: see `placementProblems`. */
export function holderSetsOf({ workers, partitions }: Placement): HolderSets {
  const indexOf = new Map(workers.map((name, index) => [name, index]));
  const found = new Map<number | string, { readonly members: readonly number[]; partitions: number }>();
  // One reused array: most partitions repeat a known set.
  const members: number[] = [];
  for (const { copies } of partitions) {
    members.length = 0;
    for (const name of copies) insert(members, indexOf.get(name) as number);
    const key = keyOf(members, workers.length);
    const known = found.get(key);
    if (known) known.partitions++;
    else found.set(key, { members: [...members], partitions: 1 });
  }
  return holderSets(workers.length, [...found.values()]);
}

/** Keeps the list ascending. */
function insert(list: number[], value: number): void {
  let at = list.push(value) - 1;
  for (; at > 0 && (list[at - 1] as number) > value; at--) list[at] = list[at - 1] as number;
  list[at] = value;
}

/** A unique key for these members; a number where it fits, because that is several times faster. */
function keyOf(members: readonly number[], workers: number): number | string {
  let key = 0;
  for (const member of members) key = key * (workers + 1) + member + 1;
  return key <= Number.MAX_SAFE_INTEGER ? key : members.join();
}

/** Builds the compressed form. Members must be ascending and distinct. */
function holderSets(
  workers: number,
  sets: readonly { readonly members: readonly number[]; readonly partitions: number }[],
): HolderSets {
  const start = new Int32Array(sets.length + 1);
  sets.forEach((set, s) => {
    start[s + 1] = (start[s] as number) + set.members.length;
  });
  const members = Int32Array.from(sets.flatMap((set) => set.members));
  const setsStart = new Int32Array(workers + 1);
  for (const member of members) setsStart[member + 1] = (setsStart[member + 1] as number) + 1;
  for (let w = 0; w < workers; w++) setsStart[w + 1] = (setsStart[w + 1] as number) + (setsStart[w] as number);
  const next = setsStart.slice(0, workers);
  const setsOf = new Int32Array(members.length);
  sets.forEach((set, s) => {
    for (const member of set.members) {
      const at = next[member] as number;
      setsOf[at] = s;
      next[member] = at + 1;
    }
  });
  return {
    workers,
    count: sets.length,
    start,
    members,
    partitions: Int32Array.from(sets, (set) => set.partitions),
    copies: partitionsByCopies(sets),
    setsStart,
    setsOf,
  };
}

function partitionsByCopies(sets: Parameters<typeof holderSets>[1]): ReadonlyMap<number, number> {
  const byCopies = new Map<number, number>();
  for (const { members, partitions } of sets)
    byCopies.set(members.length, (byCopies.get(members.length) ?? 0) + partitions);
  return new Map([...byCopies].sort(([a], [b]) => a - b));
}

export function membersOf(sets: HolderSets, s: number): Int32Array {
  return sets.members.subarray(sets.start[s], sets.start[s + 1]);
}

export function setsOfWorker(sets: HolderSets, w: number): Int32Array {
  return sets.setsOf.subarray(sets.setsStart[w], sets.setsStart[w + 1]);
}

export function sizeOf(sets: HolderSets, s: number): number {
  return (sets.start[s + 1] as number) - (sets.start[s] as number);
}

/** The number of partitions with a placement on each worker. */
export function partitionsOfWorkers(sets: HolderSets): Int32Array {
  const held = new Int32Array(sets.workers);
  for (let s = 0; s < sets.count; s++) {
    for (const w of membersOf(sets, s)) held[w] = (held[w] as number) + (sets.partitions[s] as number);
  }
  return held;
}

/** The mean over all partitions of a figure that depends only on the number of copies. */
export function meanOverPartitions(sets: HolderSets, ofSize: (size: number) => number): number {
  let sum = 0;
  let partitions = 0;
  for (const [size, count] of sets.copies) {
    sum += count * ofSize(size);
    partitions += count;
  }
  return sum / partitions;
}

/**
 * How many partitions k workers can take with them at worst. For more than 3 of many workers that is a hard
 * problem (densest subgraph, maximum coverage), so it is bracketed: a set of workers that was found to
 * lose so many, and a bound that none can exceed. Where both meet the figure is exact.
 */

import { type HolderSets, membersOf, partitionsOfWorkers, setsOfWorker, sizeOf } from './holders.ts';

export interface WorstCase {
  /** Lost by `workers`; the worst case is at least this. */
  readonly partitions: number;
  /** No k workers lose more. Equal to `partitions` where the figure is exact. */
  readonly atMost: number;
  /** Left empty for more than 20 workers, which nobody reads. */
  readonly workers: readonly number[];
}

const MAX_NAMED_WORKERS = 20;

type Found = Pick<WorstCase, 'partitions' | 'workers'>;

/** Workers in the order in which they go down, and the partitions lost after each: `lost[k]` with the first k down. */
interface Descent {
  readonly order: readonly number[];
  readonly lost: readonly number[];
}

/** Chains of two pairs that are looked at before the worst triple is bracketed instead: about 0.3 s. */
const MAX_CHAINS = 1e8;

/** Partitions with no placement left, for k from 0 to `maxDown`. */
export function worstForReads(sets: HolderSets, maxDown: number): WorstCase[] {
  const exact = worstReadsUpTo3(sets);
  const descents = [grow(sets, exact.at(-1)?.workers ?? [], maxDown), peel(sets)];
  const bounds = boundsByPlacements(sets);
  const growth = boundedGrowth(sets);
  let bound = 0;
  return Array.from({ length: maxDown + 1 }, (_, k) => {
    const known = exact[k];
    if (known) {
      bound = known.partitions;
      return { ...known, atMost: bound };
    }
    const [a, b] = descents.map((descent) => after(descent, k)) as [Found, Found];
    bound = Math.min(bounds[k] as number, growth(bound, k));
    return { ...(a.partitions >= b.partitions ? a : b), atMost: bound };
  });
}

/** Partitions with a placement missing, for k from 0 to `maxDown`. */
export function worstForWrites(sets: HolderSets, maxDown: number): WorstCase[] {
  const descent = cover(sets, maxDown);
  const held = [...partitionsOfWorkers(sets)].sort((a, b) => b - a);
  const total = sets.partitions.reduce((sum, partitions) => sum + partitions, 0);
  let bound = 0;
  return Array.from({ length: maxDown + 1 }, (_, k) => {
    if (k > 0) bound = Math.min(total, bound + (held[k - 1] as number));
    return { ...after(descent, k), atMost: bound };
  });
}

function after({ order, lost }: Descent, k: number): Found {
  return { partitions: lost[k] as number, workers: k > MAX_NAMED_WORKERS ? [] : order.slice(0, k) };
}

/** A lost partition takes all its copies from k workers, who hold no more than the k fullest do. */
function boundsByPlacements(sets: HolderSets): number[] {
  const held = [...partitionsOfWorkers(sets)].sort((a, b) => b - a);
  const ofSize = new Int32Array(sets.workers + 1);
  for (let s = 0; s < sets.count; s++) {
    const size = sizeOf(sets, s);
    ofSize[size] = (ofSize[size] as number) + (sets.partitions[s] as number);
  }
  const fewestCopies = ofSize.findIndex((partitions) => partitions > 0);
  let placements = 0;
  let possible = 0;
  return Array.from({ length: sets.workers + 1 }, (_, k) => {
    if (k > 0) placements += held[k - 1] as number;
    possible += ofSize[k] as number;
    return Math.min(possible, Math.floor(placements / fewestCopies));
  });
}

/**
 * What k workers lose, seen from their subsets of k - 1: a partition with r copies is lost to k - r of those
 * k subsets, and none of them loses more than the worst of its size. A partition with k copies adds to that.
 */
function boundedGrowth(sets: HolderSets): (worstOfFewer: number, k: number) => number {
  const fullestOfSize = new Int32Array(sets.workers + 1);
  for (let s = 0; s < sets.count; s++) {
    const size = sizeOf(sets, s);
    fullestOfSize[size] = Math.max(fullestOfSize[size] as number, sets.partitions[s] as number);
  }
  return (worstOfFewer, k) => {
    const most = [...sets.copies.keys()].filter((size) => size < k).at(-1) ?? 0;
    return Math.floor((worstOfFewer * k) / (k - most)) + (fullestOfSize[k] as number);
  };
}

/**
 * Exactly, for k = 0 to 3 (to 2 where there are too many pairs): a subset loses the partitions on its single
 * workers, its pairs and its triple. The best of three is a triple with partitions of its own, a chain of two
 * pairs, a pair with the fullest third, or the three fullest.
 */
function worstReadsUpTo3(sets: HolderSets): Found[] {
  const n = sets.workers;
  const single = new Int32Array(n);
  const pairs: Map<number, number>[] = Array.from({ length: n }, () => new Map());
  const triples = new Map<number, { readonly members: readonly number[]; readonly partitions: number }>();
  for (let s = 0; s < sets.count; s++) {
    const members = [...membersOf(sets, s)];
    const partitions = sets.partitions[s] as number;
    const [a, b] = members as [number, number];
    if (members.length === 1) single[a] = partitions;
    if (members.length === 2) {
      pairs[a]?.set(b, partitions);
      pairs[b]?.set(a, partitions);
    }
    if (members.length === 3) triples.set(tripleKey(n, members), { members, partitions });
  }
  const of1 = (w: number) => single[w] as number;
  const of2 = (a: number, b: number) => pairs[a]?.get(b) ?? 0;
  const of3 = (...members: number[]) =>
    triples.size === 0
      ? 0
      : (triples.get(
          tripleKey(
            n,
            members.sort((x, y) => x - y),
          ),
        )?.partitions ?? 0);
  const lossOf = ([a, b, c]: readonly (number | undefined)[]) => {
    let lost = of1(a as number);
    if (a !== undefined && b !== undefined) lost += of1(b) + of2(a, b);
    if (a !== undefined && b !== undefined && c !== undefined) {
      lost += of1(c) + of2(a, c) + of2(b, c) + of3(a, b, c);
    }
    return lost;
  };

  const best: Found[] = [{ partitions: 0, workers: [] }];
  const offer = (...workers: number[]) => {
    const partitions = lossOf(workers);
    const held = best[workers.length];
    if (!held || partitions > held.partitions) best[workers.length] = { partitions, workers };
  };

  const fullest = Array.from({ length: n }, (_, w) => w).sort((a, b) => of1(b) - of1(a));
  for (let k = 1; k <= Math.min(3, n); k++) offer(...fullest.slice(0, k));
  for (let a = 0; a < n; a++) for (const b of (pairs[a] as Map<number, number>).keys()) if (a < b) offer(a, b);
  if (n < 3) return best;
  if (pairs.reduce((sum, { size }) => sum + size * size, 0) > MAX_CHAINS) return best.slice(0, 3);

  for (const { members } of triples.values()) offer(...members);
  const heaviestPair = Math.max(0, ...pairs.map((partners) => Math.max(0, ...partners.values())));
  const third = (a: number, b: number) => fullest.find((w) => w !== a && w !== b) as number;
  for (let b = 0; b < n; b++) {
    // What a partner adds to b, most first: as soon as two add too little, so do all that follow.
    const partners = [...(pairs[b] as Map<number, number>)].map(([w, partitions]) => ({
      w,
      adds: of1(w) + partitions,
    }));
    partners.sort((x, y) => y.adds - x.adds);
    for (const [i, { w: a, adds }] of partners.entries()) {
      if (a < b) offer(a, b, third(a, b));
      const soFar = of1(b) + adds + heaviestPair;
      for (let j = i + 1; j < partners.length; j++) {
        const c = partners[j] as (typeof partners)[number];
        if (soFar + c.adds <= (best[3]?.partitions ?? 0)) break;
        offer(a, b, c.w);
      }
    }
  }
  return best;
}

/** One number for three workers of n, ascending; exact for n up to 200,000. */
function tripleKey(n: number, [a, b, c]: readonly (number | undefined)[]): number {
  return ((a as number) * n + (b as number)) * n + (c as number);
}

/** Adds, one by one, the worker that loses most at once, or else that comes closest to losing something. */
function grow(sets: HolderSets, from: readonly number[], maxDown: number): Descent {
  const gain = new Int32Array(sets.workers);
  const closeness = new Float64Array(sets.workers);
  const missing = Int32Array.from({ length: sets.count }, (_, s) => sizeOf(sets, s));
  const weigh = (s: number, sign: 1 | -1) => {
    const partitions = sets.partitions[s] as number;
    const left = missing[s] as number;
    for (const w of membersOf(sets, s)) {
      if (left === 1) gain[w] = (gain[w] as number) + sign * partitions;
      closeness[w] = (closeness[w] as number) + (sign * partitions) / 4 ** left;
    }
  };
  for (let s = 0; s < sets.count; s++) weigh(s, 1);
  const better = (a: number, b: number) =>
    gain[a] === gain[b]
      ? (closeness[a] as number) > (closeness[b] as number)
      : (gain[a] as number) > (gain[b] as number);
  return descend(sets.workers, from, maxDown, better, (w) => {
    const lost = gain[w] as number;
    for (const s of setsOfWorker(sets, w)) {
      weigh(s, -1);
      missing[s] = (missing[s] as number) - 1;
      if (missing[s] !== 0) weigh(s, 1);
    }
    return lost;
  });
}

/** Adds, one by one, the worker that holds most of what is still untouched. */
function cover(sets: HolderSets, maxDown: number): Descent {
  const gain = partitionsOfWorkers(sets);
  const touched = new Uint8Array(sets.count);
  const better = (a: number, b: number) => (gain[a] as number) > (gain[b] as number);
  return descend(sets.workers, [], maxDown, better, (w) => {
    const lost = gain[w] as number;
    for (const s of setsOfWorker(sets, w)) {
      if (touched[s] === 1) continue;
      touched[s] = 1;
      for (const member of membersOf(sets, s)) gain[member] = (gain[member] as number) - (sets.partitions[s] as number);
    }
    return lost;
  });
}

/** Takes down `from`, then always the best of those that live, until `maxDown` are down. */
function descend(
  workers: number,
  from: readonly number[],
  maxDown: number,
  better: (a: number, b: number) => boolean,
  takeDown: (w: number) => number,
): Descent {
  const living = new Set(Array.from({ length: workers }, (_, w) => w));
  const order: number[] = [];
  const lost = [0];
  while (order.length < maxDown) {
    let next = from[order.length] ?? -1;
    if (next === -1) for (const w of living) if (next === -1 || better(w, next)) next = w;
    living.delete(next);
    lost.push((lost.at(-1) as number) + takeDown(next));
    order.push(next);
  }
  return { order, lost };
}

/** Starts with all workers down and brings back, one by one, the one that saves least. */
function peel(sets: HolderSets): Descent {
  const saves = partitionsOfWorkers(sets);
  const back = new Uint8Array(sets.count);
  const total = sets.partitions.reduce((sum, partitions) => sum + partitions, 0);
  const savesLess = (a: number, b: number) => (saves[a] as number) < (saves[b] as number);
  const { order, lost: saved } = descend(sets.workers, [], sets.workers, savesLess, (w) => {
    const regained = saves[w] as number;
    for (const s of setsOfWorker(sets, w)) {
      if (back[s] === 1) continue;
      back[s] = 1;
      for (const member of membersOf(sets, s))
        saves[member] = (saves[member] as number) - (sets.partitions[s] as number);
    }
    return regained;
  });
  return { order: order.toReversed(), lost: saved.toReversed().map((regained) => total - regained) };
}

/**
 * The most partitions that k workers can lose. Exact for sizes whose subsets were all visited. The problem is hard
 * (maximum coverage), so beyond that it is a bracket: what some workers lose, and an upper bound.
 */

import type { Enumerated } from './enumerate.ts';
import { type HolderSets, partitionsOfWorkers, setsOfWorker, sizeOf } from './holders.ts';

export interface WorstCase {
  /** Lost by `workers`; the worst case is at least this bad. */
  readonly partitions: number;
  /** No k workers lose more. Equal to `partitions` where the figure is exact. */
  readonly atMost: number;
  /** Empty for more than 20 workers. */
  readonly workers: readonly number[];
}

const MAX_NAMED_WORKERS = 20;
/** The weight of progress towards losing a set: so small that it only breaks ties. */
const CLOSER = 1e-4;

/** @param exact for k from 0 on. @returns for k from 0 to `maxDown`. */
export function worstForReads(sets: HolderSets, exact: readonly Enumerated[], maxDown: number): WorstCase[] {
  const bounds = boundsOfReads(sets);
  // The last live holder loses the set; the fewer holders are live, the closer the set is to being lost.
  return bracketed(sets, exact, maxDown, bounds, (living) => (living === 1 ? 1 : CLOSER / 4 ** living));
}

/** The same where losing any holder loses the partition. */
export function worstForWrites(sets: HolderSets, exact: readonly Enumerated[], maxDown: number): WorstCase[] {
  const held = [...partitionsOfWorkers(sets)].sort((a, b) => b - a);
  const total = sets.partitions.reduce((sum, partitions) => sum + partitions, 0);
  const bounds = (worstOfFewer: number, k: number) => Math.min(total, worstOfFewer + (held[k - 1] as number));
  return bracketed(sets, exact, maxDown, bounds, (living, size) => (living === size ? 1 : 0));
}

/** What losing one more holder adds to the loss of a set. @param living its live holders. */
type Gain = (living: number, size: number) => number;

function bracketed(
  sets: HolderSets,
  exact: readonly Enumerated[],
  maxDown: number,
  boundOf: (worstOfFewer: number, k: number) => number,
  gain: Gain,
): WorstCase[] {
  const known = exact.slice(0, maxDown + 1);
  const cases = known.map(({ worst, worstWorkers }) => ({ partitions: worst, atMost: worst, workers: worstWorkers }));
  const { worst, worstWorkers } = known.at(-1) as Enumerated;
  const down = new Set(worstWorkers);
  const living = Int32Array.from({ length: sets.count }, (_, s) => sizeOf(sets, s));
  for (const w of down) for (const s of setsOfWorker(sets, w)) living[s] = (living[s] as number) - 1;
  let partitions = worst;
  let atMost = worst;
  while (cases.length <= maxDown) {
    const next = mostGained(sets, down, living, gain);
    partitions += Math.floor(gained(sets, next, living, gain));
    down.add(next);
    for (const s of setsOfWorker(sets, next)) living[s] = (living[s] as number) - 1;
    atMost = boundOf(atMost, cases.length);
    cases.push({ partitions, atMost, workers: down.size > MAX_NAMED_WORKERS ? [] : [...down] });
  }
  return cases;
}

function mostGained(sets: HolderSets, down: ReadonlySet<number>, living: Int32Array, gain: Gain): number {
  let best = -1;
  let most = -1;
  for (let w = 0; w < sets.workers; w++) {
    const gains = down.has(w) ? -1 : gained(sets, w, living, gain);
    if (gains <= most) continue;
    most = gains;
    best = w;
  }
  return best;
}

function gained(sets: HolderSets, w: number, living: Int32Array, gain: Gain): number {
  let sum = 0;
  for (const s of setsOfWorker(sets, w)) {
    sum += (sets.partitions[s] as number) * gain(living[s] as number, sizeOf(sets, s));
  }
  return sum;
}

/**
 * Upper bounds. First, k workers hold no more copies than the k fullest workers, and a lost partition uses all its
 * copies. Second, of the k subsets with one worker less, k - r also lose a partition with r copies, and none of them
 * loses more than the worst subset of its size.
 */
function boundsOfReads(sets: HolderSets): (worstOfFewer: number, k: number) => number {
  const held = [...partitionsOfWorkers(sets)].sort((a, b) => b - a);
  const fullestOfSize = new Int32Array(sets.workers + 1);
  for (let s = 0; s < sets.count; s++) {
    const size = sizeOf(sets, s);
    fullestOfSize[size] = Math.max(fullestOfSize[size] as number, sets.partitions[s] as number);
  }
  const [fewestCopies = 1] = sets.copies.keys();
  return (worstOfFewer, k) => {
    const sizes = [...sets.copies].filter(([size]) => size <= k);
    const possible = sizes.reduce((sum, [, partitions]) => sum + partitions, 0);
    const placements = held.slice(0, k).reduce((sum, partitions) => sum + partitions, 0);
    const most = sizes.filter(([size]) => size < k).at(-1)?.[0] ?? 0;
    const growth = Math.floor((worstOfFewer * k) / (k - most)) + (fullestOfSize[k] as number);
    return Math.min(possible, Math.floor(placements / fewestCopies), growth);
  };
}

/** The share of k-subsets that lose a partition, for every k: by the cheapest way that is exact, else by sampling. */

import { binomial, shareContaining } from './combinatorics.ts';
import { enumerate, MAX_ENUMERATED_WORKERS } from './enumerate.ts';
import { type HolderSets, minimalSets, sizeOf } from './holders.ts';
import { type SampleOptions, sampleFatalShares } from './sample.ts';
import { countFatalUpTo3 } from './small-subsets.ts';
import { sweepFatalShares } from './sweep.ts';

/** A share with its 95 % interval; an exact one has none: `low`, `share` and `high` are equal. */
export interface Estimate {
  readonly share: number;
  readonly low: number;
  readonly high: number;
  readonly method: 'exact' | 'sampled';
}

export interface FatalShares {
  /** For k from 0 to the number of workers. */
  readonly estimates: readonly Estimate[];
  /** Fatal k-subsets, where their number is known exactly; `undefined` elsewhere. */
  readonly counts: readonly (bigint | undefined)[];
  /** Random walks made; 0 where every figure is exact. */
  readonly walks: number;
}

/** Below this many subsets a share with 12 good digits still gives their exact number. */
const EXACTLY_COUNTED = 2n ** 38n;

export function exactly(share: number): Estimate {
  return { share, low: share, high: share, method: 'exact' };
}

/** For a loss that happens when a whole holder set is down. */
export function fatalShares(sets: HolderSets, options: SampleOptions): FatalShares {
  const n = sets.workers;
  if (n <= MAX_ENUMERATED_WORKERS) {
    const counts = enumerate(sets).anyLives.map(({ fatal }) => BigInt(fatal));
    const estimates = counts.map((count, k) => exactly(Number(count) / Number(binomial(n, k))));
    return { estimates, counts, walks: 0 };
  }
  const minimal = minimalSets(sets);
  const small = countFatalUpTo3(minimal);
  const smallShares = small.map((count, k) => count / Number(binomial(n, k)));
  const swept = sweepFatalShares(minimal);
  if (swept) {
    const estimates = Array.from(swept, (share, k) => exactly(smallShares[k] ?? Math.min(1, share)));
    const counts = Array.from(swept, (share, k) => {
      const count = small[k];
      if (count !== undefined) return BigInt(count);
      const subsets = k <= 20 || n - k <= 20 ? binomial(n, k) : undefined;
      return subsets !== undefined && subsets < EXACTLY_COUNTED
        ? BigInt(Math.round(share * Number(subsets)))
        : undefined;
    });
    return { estimates, counts, walks: 0 };
  }
  const sampled = sampleFatalShares(minimal, options);
  const bySize = [...minimal.copies.keys()].map((size) => [size, setsOfSize(minimal, size)] as const);
  const floor = smallShares[3] as number;
  const estimates = Array.from(sampled.shares, (share, k): Estimate => {
    const known = smallShares[k];
    if (known !== undefined) return exactly(known);
    if (k === n) return exactly(1);
    // Certain bounds narrow the interval: more workers down lose no less, and no more than the sum over all sets.
    const half = sampled.halfWidths[k] as number;
    const sum = bySize.reduce((total, [size, count]) => total + count * shareContaining(n, k, size), 0);
    const high = Math.min(1, sum, share + half);
    const low = Math.min(high, Math.max(floor, share - half));
    return { share: Math.min(high, Math.max(low, share)), low, high, method: 'sampled' };
  });
  return { estimates, counts: estimates.map((_, k) => (k === n ? 1n : toBigInt(small[k]))), walks: sampled.walks };
}

function toBigInt(count: number | undefined): bigint | undefined {
  return count === undefined ? undefined : BigInt(count);
}

function setsOfSize(sets: HolderSets, size: number): number {
  let found = 0;
  for (let s = 0; s < sets.count; s++) if (sizeOf(sets, s) === size) found++;
  return found;
}

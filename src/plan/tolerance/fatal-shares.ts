/** The share of k-subsets that lose a partition, for every k: exact while that is affordable, else sampled. */

import { binomial, shareContaining } from './combinatorics.ts';
import { type Enumeration, enumerate } from './enumerate.ts';
import { type HolderSets, sizeOf } from './holders.ts';
import { type SampleOptions, sampleFatalShares } from './sample.ts';

/** A share with its 95 % interval. For an exact share, `low`, `share` and `high` are equal. */
export interface Estimate {
  readonly share: number;
  readonly low: number;
  readonly high: number;
  readonly method: 'exact' | 'sampled';
}

export interface FatalShares {
  /** For k from 0 to the number of workers. */
  readonly estimates: readonly Estimate[];
  /** The number of fatal k-subsets where it is known exactly, else `undefined`. */
  readonly counts: readonly (bigint | undefined)[];
  /** For the sizes whose subsets were all visited. */
  readonly exact: Enumeration;
  /** Random walks made; 0 where every figure is exact. */
  readonly walks: number;
}

export interface FatalSharesOptions extends SampleOptions {
  /** Set visits before figures are sampled instead; as in `enumerate`. */
  readonly looks: number;
}

export function exactly(share: number): Estimate {
  return { share, low: share, high: share, method: 'exact' };
}

/** For a loss that happens when a whole holder set is down. */
export function fatalShares(sets: HolderSets, options: FatalSharesOptions): FatalShares {
  const n = sets.workers;
  const exact = enumerate(sets, options.looks);
  const known = exact.reads.map(({ fatal }, k) => exactly(fatal / Number(binomial(n, k))));
  const counts = exact.reads.map(({ fatal }) => BigInt(fatal));
  if (known.length > n) return { estimates: known, counts, exact, walks: 0 };
  const sampled = sampleFatalShares(sets, options);
  const floor = (known.at(-1) as Estimate).share;
  const ofSize = Map.groupBy(
    Array.from({ length: sets.count }, (_, s) => sizeOf(sets, s)),
    (size) => size,
  );
  const estimates = Array.from(sampled.shares, (share, k): Estimate => {
    const certain = known[k] ?? (k === n ? exactly(1) : undefined);
    if (certain) return certain;
    // Hard bounds narrow the interval: a loss never shrinks with more workers down, nor exceeds the sum over all sets.
    const half = sampled.halfWidths[k] as number;
    const sum = [...ofSize].reduce((total, [size, all]) => total + all.length * shareContaining(n, k, size), 0);
    const high = Math.min(1, sum, share + half);
    const low = Math.min(high, Math.max(floor, share - half));
    return { share: Math.min(high, Math.max(low, share)), low, high, method: 'sampled' };
  });
  return {
    estimates,
    counts: estimates.map((_, k) => counts[k] ?? (k === n ? 1n : undefined)),
    exact,
    walks: sampled.walks,
  };
}

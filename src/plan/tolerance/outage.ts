/** How often partitions are lost, if each worker is independently up for a given share of time. */

import { binomialDistribution } from './combinatorics.ts';
import { type Estimate, exactly, type FatalShares } from './fatal-shares.ts';
import { type HolderSets, meanOverPartitions, partitionsOfWorkers } from './holders.ts';

export interface Outage {
  /** The share of time that at least one partition is lost. */
  readonly outage: Estimate;
  /** The expected share of lost partitions. */
  readonly expectedShare: number;
}

/** A partition is lost to reads while all of its placements are down. */
export function outageForReads(sets: HolderSets, { estimates }: FatalShares, availability: number): Outage {
  const downAtOnce = binomialDistribution(sets.workers, 1 - availability);
  const total = (of: (estimate: Estimate) => number) =>
    Math.min(
      1,
      estimates.reduce((sum, estimate, k) => sum + (downAtOnce[k] as number) * of(estimate), 0),
    );
  const sampled = estimates.some(({ method }, k) => method === 'sampled' && (downAtOnce[k] as number) > 0);
  return {
    outage: {
      share: total(({ share }) => share),
      low: total(({ low }) => low),
      high: total(({ high }) => high),
      method: sampled ? 'sampled' : 'exact',
    },
    expectedShare: meanOverPartitions(sets, (size) => (1 - availability) ** size),
  };
}

/** A partition is lost to writes while any of its placements is down. */
export function outageForWrites(sets: HolderSets, availability: number): Outage {
  const holders = partitionsOfWorkers(sets).filter((held) => held > 0).length;
  return {
    outage: exactly(someDown(holders, availability)),
    expectedShare: meanOverPartitions(sets, (size) => someDown(size, availability)),
  };
}

/** 1 - availability^count, without losing digits near 0. */
function someDown(count: number, availability: number): number {
  return -Math.expm1(count * Math.log(availability));
}

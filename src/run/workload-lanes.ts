/** The lanes of a workload: how its kinds are paced, and how many connections each may have. */

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { OperationKind } from '../model/history.ts';
import type { WorkloadRun } from '../workloads/workload.ts';
import type { LaneSpec } from './lanes.ts';

/**
 * A lane for each kind of a workload.
 * @param maxConnections most that all of them together may have. In a total stall every operation holds a connection
 * until its deadline; that many are allowed if the server has them, else each kind has as many as the others, and none
 * more than it could use.
 * @param seed what is drawn for Poisson schedules follows from it.
 */
export function workloadLanes(
  kinds: readonly OperationKind[],
  workload: WorkloadRun,
  maxConnections: number,
  seed = 1,
): LaneSpec[] {
  const used = kinds.filter((kind) => kind.ratePerSecond > 0);
  const wanted = used.map(
    (kind) => kind.maxConnections ?? Math.ceil((kind.ratePerSecond * kind.deadlineMs) / 1_000) + 2,
  );
  const most = fairShare(wanted, maxConnections);
  return used.map((kind, i) => ({
    kind,
    maxConnections: Math.max(1, Math.min(wanted[i] as number, most)),
    whenBusy: 'send',
    ...(kind.schedule === 'poisson' ? { gap: poissonGap(kind.ratePerSecond, seed + i) } : {}),
    next: () => workload.next(kind.name),
  }));
}

/** The most that each may have so that all together have no more than `total`; those that want less leave it to the others. */
function fairShare(wanted: readonly number[], total: number): number {
  let left = total;
  for (const [i, n] of wanted.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(left / (wanted.length - i));
    if (n > share) return share;
    left -= n;
  }
  return Number.POSITIVE_INFINITY;
}

/** Times between independent arrivals are exponentially distributed. */
function poissonGap(ratePerSecond: number, seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => (-Math.log(1 - uniformFloat64(generator)) * 1_000) / ratePerSecond;
}

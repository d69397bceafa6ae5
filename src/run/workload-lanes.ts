/** The lanes of a workload: the schedule of each kind, and its number of connections. */

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { OperationKind } from '../model/history.ts';
import type { WorkloadRun } from '../workloads/workload.ts';
import type { LaneSpec } from './lanes.ts';

/**
 * One lane for each kind of a workload.
 * @param maxConnections for all kinds together. In a total stall every operation holds a connection until its deadline;
 * each kind may have that many if the server allows it, else all kinds get an equal share, but none more than it can
 * use.
 * @param seed for Poisson schedules.
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

/** The limit for each kind, so that together they stay within `total`. Kinds that want less leave the rest. */
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

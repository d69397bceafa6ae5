/**
 * What a cluster's settings promise for a loss: how long writes are out, which acknowledged writes are at risk, how
 * long two nodes may be primaries. Plain values; a missing bound is `null`, because JSON has no infinity.
 */

import type { NodeName } from './topology.ts';
import { formatBytes, formatDuration } from './units.ts';

export interface Promised {
  /** For each route that takes writes. */
  readonly writesOut: readonly PromisedOutage[];
  readonly lost: PromisedLoss;
  readonly twoPrimaries: PromisedSpan;
  /** The primary when the promise was made; absent if there was none. */
  readonly primary?: NodeName;
}

/** The longest time without an acknowledged write, from the loss on. */
export interface PromisedOutage {
  readonly route: string;
  /** `null`: until the loss is healed. */
  readonly minMs: number | null;
  /** `null`: until the loss is healed, or longer. */
  readonly maxMs: number | null;
  /** Set if it lasts until the loss is healed: it begins within this time; at once by default. */
  readonly beginsWithinMs?: number;
  readonly why: string;
}

export interface PromisedSpan {
  /** 0: never. `null`: until the loss is healed. */
  readonly maxMs: number | null;
  readonly why: string;
}

/** The acknowledged writes that may be lost: only those of the primary at the loss. */
export interface PromisedLoss {
  /** How long before the loss they may have been acknowledged. 0: none. `null`: no setting bounds it. */
  readonly beforeMs: number | null;
  /** In addition, this much of the WAL may be lost, however old. */
  readonly beforeBytes?: number;
  /** How long after the loss they may be acknowledged. 0: none. `null`: until the loss is healed, or longer. */
  readonly afterMs: number | null;
  readonly why: string;
}

/** `direct 20 s to 42 s`. */
export function outageRange({ route, minMs, maxMs, beginsWithinMs = 0 }: PromisedOutage): string {
  if (minMs === null) {
    const begins = beginsWithinMs === 0 ? '' : `, starting within ${formatDuration(beginsWithinMs)}`;
    return `${route} until healed${begins}`;
  }
  if (maxMs === null) return `${route} ${minMs === 0 ? 'without a bound' : `at least ${formatDuration(minMs)}`}`;
  if (minMs === 0) return `${route} at most ${formatDuration(maxMs)}`;
  return `${route} ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
}

export function lossRange({ beforeMs, beforeBytes, afterMs }: PromisedLoss): string {
  if (beforeMs === 0 && afterMs === 0) return 'none';
  const log = beforeBytes === undefined ? '' : `, and ${formatBytes(beforeBytes)} of WAL,`;
  const before =
    beforeMs === null ? 'any before the strike' : `up to ${formatDuration(beforeMs)}${log} before the strike`;
  const after = afterMs === null ? 'any after it, until healed' : `up to ${formatDuration(afterMs)} after it`;
  return [...(beforeMs === 0 ? [] : [before]), ...(afterMs === 0 ? [] : [after])].join('; ');
}

export function twoPrimariesRange({ maxMs }: PromisedSpan): string {
  if (maxMs === 0) return 'never';
  return maxMs === null ? 'until healed' : `at most ${formatDuration(maxMs)}`;
}

/** One sentence for each part, with its reason. */
export function describePromised({ writesOut, lost, twoPrimaries }: Promised): string[] {
  return [
    ...writesOut.map((one) => `write outage via ${outageRange(one)}, because ${one.why}`),
    `acknowledged writes at risk: ${lossRange(lost)}, because ${lost.why}`,
    `two primaries: ${twoPrimariesRange(twoPrimaries)}, because ${twoPrimaries.why}`,
  ];
}

/** On one line, without reasons: `write outage via direct 500 ms to 4 s; acknowledged writes at risk: none; ...`. */
export function promisedRanges({ writesOut, lost, twoPrimaries }: Promised): string {
  const out = writesOut.map(outageRange).join(', ');
  return `write outage via ${out}; acknowledged writes at risk: ${lossRange(lost)}; two primaries: ${twoPrimariesRange(twoPrimaries)}`;
}

/**
 * What a cluster's own settings promise for a loss: how long writes are out, which acknowledged writes are at risk, for
 * how long two nodes may be primaries. Plain values; a bound that there is none of is `null`, because JSON has no infinity.
 */

import type { NodeName } from './topology.ts';
import { formatBytes, formatDuration } from './units.ts';

export interface Promised {
  /** By each route that takes writes. */
  readonly writesOut: readonly PromisedOutage[];
  readonly lost: PromisedLoss;
  readonly twoPrimaries: PromisedSpan;
  /** The node that took writes when it was made; absent where none did. */
  readonly primary?: NodeName;
}

/** The longest time without an acknowledged write, counted from the loss. */
export interface PromisedOutage {
  readonly route: string;
  /** `null`: until the loss is healed. */
  readonly minMs: number | null;
  /** `null`: until the loss is healed, or longer. */
  readonly maxMs: number | null;
  /** Where it lasts until the loss is healed: it begins within so long. At once by default. */
  readonly beginsWithinMs?: number;
  readonly why: string;
}

export interface PromisedSpan {
  /** 0: never. `null`: until the loss is healed. */
  readonly maxMs: number | null;
  readonly why: string;
}

/** Acknowledged writes that may be gone in the end: of the node that was primary at the loss, and of no other. */
export interface PromisedLoss {
  /** Acknowledged within so long before the loss. 0: none. `null`: no setting bounds it. */
  readonly beforeMs: number | null;
  /** So much of the log may be lost beside that, however long ago it was written. */
  readonly beforeBytes?: number;
  /** Acknowledged after the loss, over at most so long. 0: none. `null`: until the loss is healed, or longer. */
  readonly afterMs: number | null;
  readonly why: string;
}

/** `direct 20 s to 42 s`. */
export function outageRange({ route, minMs, maxMs, beginsWithinMs = 0 }: PromisedOutage): string {
  if (minMs === null) {
    const begins = beginsWithinMs === 0 ? '' : `, from at most ${formatDuration(beginsWithinMs)} on`;
    return `${route} until healed${begins}`;
  }
  if (maxMs === null) return `${route} ${minMs === 0 ? 'without a bound' : `${formatDuration(minMs)} at least`}`;
  if (minMs === 0) return `${route} at most ${formatDuration(maxMs)}`;
  return `${route} ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
}

export function lossRange({ beforeMs, beforeBytes, afterMs }: PromisedLoss): string {
  if (beforeMs === 0 && afterMs === 0) return 'none';
  const log = beforeBytes === undefined ? '' : `, and ${formatBytes(beforeBytes)} of log`;
  const before =
    beforeMs === null
      ? 'those before the strike, without a bound'
      : `those of ${formatDuration(beforeMs)}${log} before the strike`;
  const after = afterMs === null ? 'those after it, until healed' : `those of ${formatDuration(afterMs)} after it`;
  return [...(beforeMs === 0 ? [] : [before]), ...(afterMs === 0 ? [] : [after])].join('; ');
}

export function twoPrimariesRange({ maxMs }: PromisedSpan): string {
  if (maxMs === 0) return 'never';
  return maxMs === null ? 'until healed' : `at most ${formatDuration(maxMs)}`;
}

/** Each part with its reason, one sentence for each. */
export function describePromised({ writesOut, lost, twoPrimaries }: Promised): string[] {
  return [
    ...writesOut.map((one) => `write outage via ${outageRange(one)}, because ${one.why}`),
    `acknowledged writes at risk: ${lossRange(lost)}, because ${lost.why}`,
    `two primaries: ${twoPrimariesRange(twoPrimaries)}, because ${twoPrimaries.why}`,
  ];
}

/** On one line, without reasons: `write outage via direct 500 ms to 4 s; acknowledged writes at risk: none; two primaries: never`. */
export function promisedRanges({ writesOut, lost, twoPrimaries }: Promised): string {
  const out = writesOut.map(outageRange).join(', ');
  return `write outage via ${out}; acknowledged writes at risk: ${lossRange(lost)}; two primaries: ${twoPrimariesRange(twoPrimaries)}`;
}

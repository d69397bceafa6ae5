/** What the picture shows at one moment, in words, for the pointer and the slider. */

import { describeTwoPrimaries } from '../../measure/role-words.ts';
import { formatDuration, formatMoment } from '../../model/units.ts';
import { plainText } from '../escape.ts';
import { lengthOf, number, roleWords } from '../report-words.ts';
import type { Bucket, Timeline } from './timeline.ts';

export interface Moment {
  readonly fromMs: number;
  readonly toMs: number;
  /** `4 s to 5 s`. */
  readonly title: string;
  readonly lines: readonly string[];
}

/** One moment for each bucket, in the order of time. Plain text, not escaped for any markup. */
export function momentsOf(timeline: Timeline): Moment[] {
  const ranges = new Map<number, { fromMs: number; toMs: number }>();
  for (const { fromMs, toMs } of timeline.kinds.flatMap(({ buckets }) => buckets)) {
    const slot = Math.floor(fromMs / (timeline.secondsPerBucket * 1_000));
    const known = ranges.get(slot) ?? { fromMs, toMs };
    ranges.set(slot, { fromMs: Math.min(known.fromMs, fromMs), toMs: Math.max(known.toMs, toMs) });
  }
  return [...ranges]
    .sort(([a], [b]) => a - b)
    .map(([, { fromMs, toMs }]) => ({
      fromMs,
      toMs,
      title: `${formatMoment(fromMs)} to ${formatMoment(toMs)}`,
      lines: linesAt(timeline, fromMs, toMs).map(plainText),
    }));
}

function linesAt({ kinds, nodes, twoPrimaries, partitions }: Timeline, fromMs: number, toMs: number): string[] {
  const within = <R extends { readonly fromMs: number; readonly toMs: number }>(ranges: readonly R[]) =>
    ranges.filter((range) => range.fromMs < toMs && range.toMs > fromMs);
  const load = kinds.flatMap(({ kind, buckets, windows }) => {
    const during = within(windows).map((window) => `${window.type} of ${lengthOf(window)}`);
    return within(buckets).map((bucket) => [`${kind}: ${bucketWords(bucket)}`, ...during].join('; '));
  });
  const struck = nodes.flatMap(({ node, states }) => {
    const during = [...new Set(within(states).map(({ state }) => state))];
    return during.length === 0 ? [] : [`${node} ${during.join(', then ')}`];
  });
  const roles = nodes.flatMap((strip) => {
    const during = [...new Set(within(strip.roles).map(roleWords))];
    return during.length === 0 ? [] : [`${strip.node} ${during.join(', then ')}`];
  });
  const both = within(twoPrimaries).map(describeTwoPrimaries);
  const disturbed = partitions.flatMap(({ label, reads, writes }) => {
    const during = [...within(reads), ...within(writes)].map(({ type, kind }) => `${type} of ${kind}`);
    return during.length === 0 ? [] : [`${label}: ${[...new Set(during)].join(', ')}`];
  });
  return [...load, ...both.map((words) => `two primaries ${words}`), ...roles, ...struck, ...disturbed];
}

function bucketWords({ ok, failed, p50Ms, p99Ms, maxMs }: Bucket): string {
  const counts = `${number(ok)} ok, ${number(failed)} failed`;
  if (p50Ms === null || p99Ms === null || maxMs === null) return counts;
  return `${counts}, p50 ${formatDuration(p50Ms)}, p99 ${formatDuration(p99Ms)}, max ${formatDuration(maxMs)}`;
}

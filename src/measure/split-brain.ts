/** Times in which two nodes acknowledged writes: two primaries, whatever their manager and the routes report. */

import type { TimeRange, TwoPrimaries, TwoPrimariesSide } from '../model/figures.ts';
import type { History } from '../model/history.ts';
import { formatKey } from '../model/key-ranges.ts';
import { type FinalPrimary, finalPrimaryOf } from './final-witness.ts';
import { MAX_WITNESSES } from './witnesses.ts';
import { type WriteSpan, writeSpans } from './write-spans.ts';

/** In the order of time; for three primaries, each pair. */
export function twoPrimaries(history: History): TwoPrimaries[] {
  const spans = writeSpans(history);
  const final = finalPrimaryOf(history);
  return spans
    .flatMap((a, i) => spans.slice(i + 1).flatMap((b) => overlap(a, b, final) ?? []))
    .sort((a, b) => a.fromMs - b.fromMs);
}

function overlap(a: WriteSpan, b: WriteSpan, final: FinalPrimary | undefined): TwoPrimaries | undefined {
  if (a.node === b.node) return undefined;
  const possible = { fromMs: Math.max(a.earliestMs, b.earliestMs), toMs: Math.min(a.toMs, b.toMs) };
  const atMostMs = possible.toMs - possible.fromMs;
  if (atMostMs <= 0) return undefined;
  const certain = { fromMs: Math.max(a.fromMs, b.fromMs), toMs: Math.min(a.surelyToMs, b.surelyToMs) };
  const atLeastMs = Math.max(0, certain.toMs - certain.fromMs);
  const told = atLeastMs > 0 ? { fromMs: certain.fromMs, toMs: possible.toMs } : possible;
  // The older primary comes first.
  const sides = [a, b]
    .toSorted((one, other) => (one.timeline ?? 0) - (other.timeline ?? 0))
    .map((span) => sideOf(span, told, final));
  return { ...told, atLeastMs, atMostMs, sides };
}

function sideOf(
  { node, timeline, writes }: WriteSpan,
  { fromMs, toMs }: TimeRange,
  final: FinalPrimary | undefined,
): TwoPrimariesSide {
  const within = writes.filter(({ settledAt }) => settledAt >= fromMs && settledAt <= toMs);
  const lost = final && within.filter((write) => !final.has(write));
  const shown = lost && lost.length > 0 ? lost : within;
  return {
    node,
    ...(timeline === undefined ? {} : { timeline }),
    acknowledged: within.length,
    lost: lost ? lost.length : null,
    rows: shown.slice(0, MAX_WITNESSES).map(({ node: of, seq }) => formatKey(of, seq)),
  };
}

/** How long there were two primaries in total; overlapping pairs count once. */
export function splitBrainMs(pairs: readonly TwoPrimaries[]): {
  readonly atLeastMs: number;
  readonly atMostMs: number;
} {
  const certain = pairs.map(({ fromMs, atLeastMs }) => ({ fromMs, toMs: fromMs + atLeastMs }));
  // The possible part ends with the pair, and starts that much before.
  const possible = pairs.map(({ toMs, atMostMs }) => ({ fromMs: toMs - atMostMs, toMs }));
  return { atLeastMs: unionMs(certain), atMostMs: unionMs(possible) };
}

function unionMs(ranges: readonly TimeRange[]): number {
  let total = 0;
  let coveredTo = Number.NEGATIVE_INFINITY;
  for (const { fromMs, toMs } of ranges.toSorted((a, b) => a.fromMs - b.fromMs)) {
    total += Math.max(0, toMs - Math.max(fromMs, coveredTo));
    coveredTo = Math.max(coveredTo, toMs);
  }
  return total;
}

/** Overlaps and differences of time ranges. */

import type { TimeRange } from '../model/figures.ts';

/** How much of these ranges, which do not overlap each other, lies between two moments. */
export function overlapMs(ranges: readonly TimeRange[], fromMs: number, toMs: number): number {
  return ranges.reduce(
    (sum, range) => sum + Math.max(0, Math.min(range.toMs, toMs) - Math.max(range.fromMs, fromMs)),
    0,
  );
}

export function touches(a: TimeRange, b: TimeRange): boolean {
  return a.fromMs <= b.toMs && a.toMs >= b.fromMs;
}

/** The parts of a range that lie in none of the others. */
export function partsOutside({ fromMs, toMs }: TimeRange, others: readonly TimeRange[]): TimeRange[] {
  let left = [{ fromMs, toMs }];
  for (const other of others) {
    left = left.flatMap((part) =>
      touches(part, other)
        ? [
            { fromMs: part.fromMs, toMs: Math.min(part.toMs, other.fromMs) },
            { fromMs: Math.max(part.fromMs, other.toMs), toMs: part.toMs },
          ]
        : [part],
    );
    left = left.filter((part) => part.toMs > part.fromMs);
  }
  return left;
}

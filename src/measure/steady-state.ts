/** Whether service was healthy before the first fault: "as before" and every failure rest on that. */

import type { History } from '../model/history.ts';
import { STEADY_SHARE } from '../model/steady-share.ts';
import { formatCount, formatShare } from '../model/units.ts';
import { figuresOf } from './figures.ts';
import { type Spans, spanAt } from './spans.ts';

/** The kinds that succeeded too rarely in the steady state, in words: `0 of 4 scans ok (0 %)`. */
export function troublesBeforeFaults(history: History): string[] {
  const { availability, spans } = figuresOf(history);
  return availability.flatMap(({ kind, span, figures: { share, ok, intended } }) => {
    if (span !== 'steady-state' || share === null || share >= STEADY_SHARE) return [];
    const due = intended - struckInTime(history, spans, kind);
    const shareDue = due === 0 ? 1 : ok / due;
    return shareDue >= STEADY_SHARE ? [] : [`${ok} of ${formatCount(due, kind)} ok (${formatShare(shareDue)})`];
  });
}

/**
 * Counts operations that failed because the first fault met them under way, no older than a successful one: the fault's
 * work, not a bad steady state.
 */
function struckInTime(history: History, spans: Spans, kind: string): number {
  const struckMs = spans['steady-state']?.toMs ?? Number.POSITIVE_INFINITY;
  let slowestMs = 0;
  const underWayMs: number[] = [];
  for (const { kind: name, intendedAt, settledAt, outcome } of history.operations.scan()) {
    if (name !== kind || spanAt(spans, intendedAt) !== 'steady-state') continue;
    if (outcome === 'ok') slowestMs = Math.max(slowestMs, Math.min(settledAt, struckMs) - intendedAt);
    else if (outcome !== 'unsent' && settledAt >= struckMs) underWayMs.push(struckMs - intendedAt);
  }
  return underWayMs.filter((ms) => ms <= slowestMs).length;
}

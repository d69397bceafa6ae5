/** Whether service was well before anything was broken: what "as before" and every failure rest on. */

import type { History } from '../model/history.ts';
import { formatCount, formatShare } from '../model/units.ts';
import { figuresOf } from './figures.ts';

/** Of each kind of operation, how many must succeed. */
export const STEADY_SHARE = 0.9;

/** The kinds of which fewer succeeded in the steady state, in words: `0 of 4 scans ok (0 %)`. */
export function troublesBeforeFaults(history: History): string[] {
  return figuresOf(history).availability.flatMap(({ kind, span, figures: { share, ok, intended } }) => {
    if (span !== 'steady-state' || share === null || share >= STEADY_SHARE) return [];
    return [`${ok} of ${formatCount(intended, kind)} ok (${formatShare(share)})`];
  });
}

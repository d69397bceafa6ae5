/** What the windows of kinds and of partitions have in common where they are drawn. */

import type { ServiceWindow } from '../../model/figures.ts';
import { formatMoment } from '../../model/units.ts';
import { lengthOf } from '../report-words.ts';
import { type Frame, MIN_MARK } from './drawing.ts';

/** Without those that lie behind the mark of the one before, so that a flickering run stays a small file. */
export function visible(windows: readonly ServiceWindow[], x: Frame['x']): ServiceWindow[] {
  const coveredTo = { outage: -1, brownout: -1 };
  return windows
    .toSorted((a, b) => a.fromMs - b.fromMs)
    .filter(({ type, fromMs, toMs }) => {
      const end = Math.max(x(toMs), x(fromMs) + MIN_MARK);
      if (end <= coveredTo[type] + MIN_MARK / 2) return false;
      coveredTo[type] = end;
      return true;
    });
}

/** @param label of the partition whose window it is. */
export function windowWords(window: ServiceWindow, label?: string): string {
  const { type, kind, fromMs, toMs, ok, failed } = window;
  const where = label === undefined ? kind : `${kind} on ${label}`;
  return `${where}: ${type} ${lengthOf(window)}, from ${formatMoment(fromMs)} to ${formatMoment(toMs)}; ${failed} failed, ${ok} ok`;
}

/** Shared by the windows of kinds and of partitions. */

import type { ServiceWindow } from '../../model/figures.ts';
import { formatMoment } from '../../model/units.ts';
import { lengthOf } from '../report-words.ts';
import { type Frame, MIN_MARK } from './drawing.ts';

/** Leaves out windows hidden behind the mark before them, so that a flickering run's file stays small. */
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

/** @param label the partition, for a window of one partition. */
export function windowWords(window: ServiceWindow, label?: string): string {
  const { type, kind, fromMs, toMs, ok, failed } = window;
  const where = label === undefined ? kind : `${kind} on ${label}`;
  return `${where}: ${type} ${lengthOf(window)}, from ${formatMoment(fromMs)} to ${formatMoment(toMs)}; ${failed} failed, ${ok} ok`;
}

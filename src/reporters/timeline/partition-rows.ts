/** The partitions of the picture: outages and brownouts of reads and writes. */

import type { ServiceWindow } from '../../model/figures.ts';
import { type Frame, type Part, px, ROW, rowLabel, stack, timeMark } from './drawing.ts';
import type { PartitionStrip, Timeline } from './timeline.ts';
import { visible, windowWords } from './window-marks.ts';

export function partitionsPart({ partitions, partitionsLeftOut }: Timeline, frame: Frame): Part {
  const more = `and ${partitionsLeftOut} more, left out for lack of space`;
  return stack([
    ...partitions.flatMap((strip) => partitionRows(strip, frame)),
    ...(partitionsLeftOut === 0
      ? []
      : [{ height: ROW, lines: [`<text class="dim" x="${frame.left}" y="11">${more}</text>`] }]),
    { height: 6, lines: [] },
  ]);
}

function partitionRows(
  { partition, label, shortLabel, reads, writes }: PartitionStrip,
  { left, right, narrow, x }: Frame,
): Part[] {
  const row = (what: string, windows: readonly ServiceWindow[]): Part => ({
    height: ROW - 3,
    lines: [
      rowLabel(`${narrow ? shortLabel : label} ${what}`, left, narrow, ROW - 4),
      `<rect class="up" x="${left}" width="${px(right - left)}" y="1" height="${ROW - 5}"/>`,
      // Outages are drawn above brownouts.
      ...visible(windows, x)
        .toSorted((a, b) => a.type.localeCompare(b.type))
        .map((window) =>
          timeMark(window, x, {
            name: window.type,
            data: ['partition', partition],
            y: 1,
            height: ROW - 5,
            told: windowWords(window, label),
          }),
        ),
    ],
  });
  return [row('reads', reads), row('writes', writes), { height: 4, lines: [] }];
}

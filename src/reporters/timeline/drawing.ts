/** Drawing functions for all parts of the picture. */

import type { ScaleLinear } from 'd3-scale';
import type { TimeRange } from '../../model/figures.ts';
import { clip, htmlText as text } from '../escape.ts';

export const CHARACTER = 6.2;
export const BOLD_CHARACTER = 7;
export const ROW = 14;
/** The least width of a mark, so that it stays visible. */
export const MIN_MARK = 1.5;

export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly narrow: boolean;
  readonly x: ScaleLinear<number, number>;
}

/** A part of the picture, drawn from y = 0 downward. */
export interface Part {
  readonly height: number;
  readonly lines: readonly string[];
}

export function stack(parts: readonly Part[]): Part {
  let height = 0;
  const lines: string[] = [];
  for (const part of parts) {
    lines.push(...moved(part.lines, height));
    height += part.height;
  }
  return { height, lines };
}

export function moved(lines: readonly string[], y: number): string[] {
  return y === 0 || lines.length === 0 ? [...lines] : [`<g transform="translate(0 ${px(y)})">`, ...lines, '</g>'];
}

interface TimeMark {
  /** The CSS class. */
  readonly name: string;
  /** Identifies its subject for scripts and tests. */
  readonly data?: readonly [key: string, value: string | number];
  readonly y: number;
  readonly height: number;
  /** The tooltip. */
  readonly told: string;
}

/** A mark for a range of time. */
export function timeMark(
  { fromMs, toMs }: TimeRange,
  x: Frame['x'],
  { name, data, y, height, told }: TimeMark,
): string {
  const wide = Math.max(MIN_MARK, x(toMs) - x(fromMs));
  const of = data === undefined ? '' : ` data-${data[0]}="${text(String(data[1]))}"`;
  const span = `x="${px(x(fromMs))}" width="${px(wide)}" data-from-ms="${ms(fromMs)}" data-to-ms="${ms(toMs)}"`;
  return `<rect class="${name}"${of} ${span} y="${px(y)}" height="${px(height)}"><title>${text(told)}</title></rect>`;
}

export function rowLabel(label: string, left: number, narrow: boolean, baseline = 11): string {
  return `<text class="dim end" x="${left - 8}" y="${baseline}">${text(clip(label, narrow ? 11 : 16))}</text>`;
}

/** A coordinate, rounded to a tenth of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A time, rounded to the microsecond as in report.json. */
export function ms(value: number): string {
  return String(Math.round(value * 1_000) / 1_000);
}

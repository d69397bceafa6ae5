/** One trend as a small SVG: a line for each kind of operation, a point for each run. */

import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { formatDuration, formatShare } from '../../model/units.ts';
import { clip, htmlText as text } from '../escape.ts';
import { CHARACTER, px } from '../timeline/drawing.ts';
import type { Trend, TrendPoint } from './trends.ts';

const WIDTH = 320;
const HEIGHT = 150;
const LEFT = 58;
const RIGHT = WIDTH - 10;
const TOP = 38;
const BOTTOM = HEIGHT - 10;
/** The number of line styles; further kinds share the last one. */
const STYLES = 4;

export function trendSvg({ title, unit, runs, kinds }: Trend, names: { id: string; title: string }): string {
  const points = kinds.flatMap(({ points }) => points);
  const x = scaleLinear([0, Math.max(1, runs - 1)], [LEFT + 4, RIGHT - 4]);
  const y = valueScale(unit, points);
  const words = unit === 'share' ? formatShare : formatDuration;
  // A value that was never reached is marked at the top.
  const yOf = ({ value }: TrendPoint) => (Number.isFinite(value) ? y(value) : TOP);
  const path = line<TrendPoint>()
    .digits(1)
    .x((point) => x(point.x))
    .y(yOf);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${names.id}">`,
    `<title id="${names.id}">${text(names.title)}; the table above has the figures</title>`,
    `<text class="title" x="0" y="11">${text(title)}</text>`,
    ...legend(kinds.map(({ kind }) => kind)),
    ...y
      .ticks(3)
      .map(
        (tick) =>
          `<path class="grid" d="M${LEFT},${px(y(tick))}H${RIGHT}"/><text class="end" x="${LEFT - 6}" y="${px(y(tick) + 4)}">${words(tick)}</text>`,
      ),
    ...kinds.map(({ points: own }, k) => {
      const marks = own.map((point) => mark(point, x(point.x), yOf(point)));
      return `<g class="k${Math.min(k, STYLES - 1)}"><path class="line" d="${path(own) ?? ''}"/>${marks.join('')}</g>`;
    }),
    '</svg>',
  ].join('\n');
}

function valueScale(unit: Trend['unit'], points: readonly TrendPoint[]) {
  const values = points.map(({ value }) => value).filter(Number.isFinite);
  if (unit === 'ms') return scaleLinear([0, Math.max(1, ...values) * 1.05], [BOTTOM, TOP]);
  const lowest = Math.min(1, ...values);
  return scaleLinear([Math.max(0, lowest - Math.max(0.001, (1 - lowest) * 0.1)), 1], [BOTTOM, TOP]);
}

function legend(kinds: readonly string[]): string[] {
  let x = 0;
  return kinds.map((kind, k) => {
    const label = clip(kind, 14);
    const item = `<g class="k${Math.min(k, STYLES - 1)}"><path class="line" d="M${px(x)},23h18"/><text x="${px(x + 22)}" y="27">${text(label)}</text></g>`;
    x += 34 + label.length * CHARACTER;
    return item;
  });
}

function mark({ value, judgement, told }: TrendPoint, x: number, y: number): string {
  const title = `<title>${text(told)}</title>`;
  if (Number.isFinite(value)) return `<circle class="${judgement}" cx="${px(x)}" cy="${px(y)}" r="3">${title}</circle>`;
  return `<path class="never" d="M${px(x - 4)},${px(y + 3)}l4,-6l4,6z">${title}</path>`;
}

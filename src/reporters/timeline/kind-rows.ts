/** The load of each kind in the picture: windows, operations per second, latency. */

import { scaleLinear, scaleLog } from 'd3-scale';
import { area, line } from 'd3-shape';
import type { ServiceWindow } from '../../model/figures.ts';
import { formatDuration } from '../../model/units.ts';
import { clip, htmlText as text } from '../escape.ts';
import { lengthOf } from '../report-words.ts';
import { CHARACTER, type Frame, MIN_MARK, type Part, px, stack, timeMark } from './drawing.ts';
import type { Bucket, KindTrack } from './timeline.ts';
import { visible, windowWords } from './window-marks.ts';

const WINDOW_LANE = 16;
const THROUGHPUT = 56;
const LATENCY = 56;

type LatencyScale = ReturnType<typeof latencyScale>;

/** One scale for all kinds, so that they can be compared. */
export function latencyScale(kinds: readonly KindTrack[]) {
  const values = kinds
    .flatMap(({ buckets }) => buckets.flatMap(({ p50Ms, maxMs }) => [p50Ms, maxMs]))
    .filter((value): value is number => value !== null && value > 0);
  const low = values.reduce((least, value) => Math.min(least, value), 10);
  const high = values.reduce((most, value) => Math.max(most, value), 10);
  const decade = (value: number, round: (exponent: number) => number) => 10 ** round(Math.log10(value));
  return scaleLog([decade(low, Math.floor), decade(high, (e) => Math.ceil(e + 1e-9))], [LATENCY, 0]).clamp(true);
}

export function kindPart(track: KindTrack, latency: LatencyScale, frame: Frame): Part {
  const { kind, buckets, windows } = track;
  const heading = `<text class="name end" x="${frame.left - 8}" y="12">${text(clip(kind, frame.narrow ? 10 : 14))}</text>`;
  return stack([
    { height: WINDOW_LANE + 4, lines: [heading, ...windowLane(windows, frame)] },
    throughput(track, frame),
    { height: 12, lines: [] },
    latencyPart(buckets, latency, frame),
    { height: 14, lines: [] },
  ]);
}

function throughput({ buckets, ratePerSecond }: KindTrack, { left, right, x }: Frame): Part {
  const y = scaleLinear([0, ratePerSecond], [THROUGHPUT, 0]).nice(2).clamp(true);
  const corners = buckets.flatMap((bucket) => [
    { ...bucket, at: bucket.fromMs },
    { ...bucket, at: bucket.toMs },
  ]);
  const shape = area<(typeof corners)[number]>()
    .digits(1)
    .x(({ at }) => x(at));
  const ok = shape.y0(y(0)).y1(({ okPerSecond }) => y(okPerSecond))(corners);
  const failed = shape
    .y0(({ okPerSecond }) => y(okPerSecond))
    .y1(({ okPerSecond, failedPerSecond }) => y(okPerSecond + failedPerSecond))(corners);
  return {
    height: THROUGHPUT,
    lines: [
      ...y
        .ticks(2)
        .flatMap((tick) => gridLine(y(tick), tick === 0 ? '0' : `${tick.toLocaleString('en-US')}/s`, left, right)),
      `<path class="ok" d="${ok ?? ''}"/>`,
      `<path class="failed" d="${failed ?? ''}"/>`,
    ],
  };
}

function latencyPart(buckets: readonly Bucket[], y: LatencyScale, { left, right, x }: Frame): Part {
  const [low = 1, high = 10] = y.domain();
  const decades = Math.round(Math.log10(high / low));
  const ticks = Array.from({ length: decades + 1 }, (_, i) => low * 10 ** i).filter(
    (_, i) => decades <= 4 || i % 2 === 0,
  );
  const path = (name: string, of: (bucket: Bucket) => number | null) => {
    const shape = line<Bucket>()
      .digits(1)
      .defined((bucket) => of(bucket) !== null)
      .x(({ fromMs, toMs }) => x((fromMs + toMs) / 2))
      .y((bucket) => y(Math.max(low, of(bucket) ?? low)));
    return `<path class="line ${name}" d="${shape(buckets) ?? ''}"/>`;
  };
  return {
    height: LATENCY,
    lines: [
      ...ticks.flatMap((tick) => gridLine(y(tick), formatDuration(tick), left, right)),
      path('max', ({ maxMs }) => maxMs),
      path('p99', ({ p99Ms }) => p99Ms),
      path('median', ({ p50Ms }) => p50Ms),
    ],
  };
}

function gridLine(y: number, label: string, left: number, right: number): string[] {
  return [
    `<path class="grid" d="M${left},${px(y)}H${px(right)}"/>`,
    `<text class="dim end" x="${left - 8}" y="${px(y + 3.5)}">${label}</text>`,
  ];
}

/** Marks, with length and uncertainty in words if there is space. */
function windowLane(all: readonly ServiceWindow[], { x, left, right }: Frame): string[] {
  const windows = visible(all, x);
  const taken = windows.map(({ fromMs, toMs }) => [x(fromMs), Math.max(x(toMs), x(fromMs) + MIN_MARK)] as const);
  const free = (from: number, to: number, own: number) =>
    from >= left && to <= right && taken.every(([start, end], i) => i === own || to <= start || from >= end);
  return windows.flatMap((window, i) => {
    const label = `${window.type} ${lengthOf(window)}`;
    const wide = label.length * CHARACTER + 6;
    const [start, end] = taken[i] as readonly [number, number];
    const mark = timeMark(window, x, {
      name: window.type,
      data: ['window', window.kind],
      y: 2,
      height: WINDOW_LANE - 2,
      told: windowWords(window),
    });
    const write = (at: number, name: string) => `<text class="${name}" x="${px(at + 3)}" y="12.5">${label}</text>`;
    if (end - start >= wide) return [mark, write(start, `on-${window.type}`)];
    for (const at of [end, start - wide]) {
      if (!free(at, at + wide, i)) continue;
      taken.push([at, at + wide]);
      return [mark, write(at, 'beside')];
    }
    return [mark];
  });
}

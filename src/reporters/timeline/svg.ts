/** The picture of a run as SVG: load and latency of each kind, nodes, partitions, with the faults across them all. */

import { scaleLinear, scaleLog } from 'd3-scale';
import { area, line } from 'd3-shape';
import type { ServiceWindow } from '../../model/figures.ts';
import { formatDuration, formatMoment, formatShare } from '../../model/units.ts';
import { clip, htmlText as text } from '../escape.ts';
import { TIMELINE_CSS } from '../page/assets.ts';
import { lengthOf } from '../report-words.ts';
import {
  BOLD_CHARACTER,
  CHARACTER,
  type Frame,
  MIN_MARK,
  moved,
  ms,
  type Part,
  px,
  ROW,
  rowLabel,
  span,
  stack,
} from './drawing.ts';
import { nodesPart } from './node-rows.ts';
import type { Bucket, FaultBand, KindTrack, PartitionStrip, Timeline } from './timeline.ts';

export interface PictureOptions {
  /** Width in CSS pixels; the height follows from the content. */
  readonly width: number;
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** What a person who does not see the picture is told. */
  readonly description: string;
  /** With its style in it; a page that shows several has the style once. */
  readonly standalone: boolean;
}

/** Below this the labels become short. */
const NARROW = 560;
const FONT = 11;
const WINDOW_LANE = 16;
const THROUGHPUT = 56;
const LATENCY = 56;
const MACHINE = 20;

export function timelineSvg(timeline: Timeline, options: PictureOptions): string {
  const { width, id, standalone } = options;
  const narrow = width < NARROW;
  const left = narrow ? 78 : 104;
  const right = width - 12;
  const x = scaleLinear([timeline.fromMs, timeline.toMs], [left, right]);
  const frame: Frame = { left, right, narrow, x };

  const latency = latencyScale(timeline.kinds);
  const head = stack([legend(timeline, frame), faultLabels(timeline.faults, frame)]);
  const body = stack([
    ...timeline.kinds.map((track) => kindPart(track, latency, frame)),
    machinePart(timeline, frame),
    nodesPart(timeline, frame),
    partitionsPart(timeline, frame),
  ]);
  const bands = timeline.faults.flatMap((band) => faultBand(band, head.height, body.height, frame));
  const axis = axisPart(timeline, body.height, frame);
  const height = Math.ceil(head.height + body.height + axis.height);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="timeline" id="${id}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-description" data-left="${left}" data-right="${right}" data-from-ms="${ms(timeline.fromMs)}" data-to-ms="${ms(timeline.toMs)}">`,
    `<title id="${id}-title">${text(options.title)}</title>`,
    `<desc id="${id}-description">${text(options.description)}</desc>`,
    ...(standalone ? [`<style>${TIMELINE_CSS}</style>`] : []),
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...head.lines,
    ...bands,
    ...moved(axis.lines, head.height),
    ...moved(body.lines, head.height),
    '</svg>',
    '',
  ].join('\n');
}

function legend({ machine, nodes, twoPrimaries }: Timeline, { right, narrow }: Frame): Part {
  const box = (name: string) => `<rect class="${name}" width="12" height="10" y="-9"/>`;
  const stroke = (name: string) => `<path class="line ${name}" d="M0,-4H14"/>`;
  const items: (readonly [string, string])[] = [
    [box('ok'), 'ok per second'],
    [box('failed'), 'failed per second'],
    [stroke('median'), 'latency p50'],
    [stroke('p99'), 'p99'],
    [stroke('max'), 'max'],
    [box('outage'), 'outage: no success'],
    [box('brownout'), 'brownout: some failed or late'],
    [box('fault in-legend'), 'fault in effect'],
    ...(nodes.every(({ roles }) => roles.length === 0)
      ? []
      : [[box('primary'), 'primary'] as const, [box('standby'), 'standby'] as const]),
    ...(twoPrimaries.length === 0 ? [] : [[box('two-primaries'), 'two primaries'] as const]),
    ...(machine.length === 0 ? [] : [[box('busy'), 'machine busy'] as const, [box('starved'), 'starved'] as const]),
  ];
  let x = narrow ? 8 : 12;
  let y = 18;
  const lines = items.map(([mark, label]) => {
    const wide = 18 + label.length * CHARACTER + 16;
    if (x + wide > right) {
      x = narrow ? 8 : 12;
      y += 16;
    }
    const item = `<g class="legend" transform="translate(${px(x)} ${y})">${mark}<text x="18">${label}</text></g>`;
    x += wide;
    return item;
  });
  return { height: y + 8, lines };
}

/** One row for each fault that would overlap the one before it. */
function faultLabels(faults: readonly FaultBand[], { x, left, right }: Frame): Part {
  const ends: number[] = [];
  const lines = faults.map((band) => {
    const label = clip(faultName(band), Math.floor((right - left) / BOLD_CHARACTER));
    const wide = label.length * BOLD_CHARACTER;
    const at = Math.max(left, Math.min(x(band.fromMs), right - wide));
    const free = ends.findIndex((end) => end + 8 < at);
    const row = free === -1 ? ends.length : free;
    ends[row] = at + wide;
    return `<text class="name" x="${px(at)}" y="${row * ROW + 12}">${text(label)}</text>`;
  });
  return { height: ends.length * ROW + 6, lines: ['<g class="fault-names">', ...lines, '</g>'] };
}

function faultName({ fault, targets }: FaultBand): string {
  return `${fault} ${targets.join(', ')}`;
}

function faultBand(band: FaultBand, top: number, height: number, { x }: Frame): string[] {
  const { act, fromMs, toMs, healAskedMs, healed } = band;
  const end = healed ? `back at ${formatMoment(toMs)}` : 'never back';
  const told = `${faultName(band)}: in effect at ${formatMoment(fromMs)}, asked to come back at ${formatMoment(healAskedMs)}, ${end}`;
  const full = `<rect class="fault" data-act="${act}" ${span({ fromMs, toMs: healAskedMs }, x)} y="${px(top)}" height="${px(height)}"><title>${text(told)}</title></rect>`;
  const edge = `<path class="fault-edge" d="M${px(x(fromMs))},${px(top)}v${px(height)}"/>`;
  if (toMs <= healAskedMs) return [full, edge];
  return [
    full,
    `<rect class="fault-ending" data-act="${act}" ${span({ fromMs: healAskedMs, toMs }, x)} y="${px(top)}" height="${px(height)}"><title>${text(told)}</title></rect>`,
    edge,
    `<path class="fault-ending-edge" d="M${px(x(healAskedMs))},${px(top)}v${px(height)}"/>`,
  ];
}

type LatencyScale = ReturnType<typeof latencyScale>;

/** The same for all kinds, so that they can be compared. */
function latencyScale(kinds: readonly KindTrack[]) {
  const values = kinds
    .flatMap(({ buckets }) => buckets.flatMap(({ p50Ms, maxMs }) => [p50Ms, maxMs]))
    .filter((value): value is number => value !== null && value > 0);
  const low = values.reduce((least, value) => Math.min(least, value), 10);
  const high = values.reduce((most, value) => Math.max(most, value), 10);
  const decade = (value: number, round: (exponent: number) => number) => 10 ** round(Math.log10(value));
  return scaleLog([decade(low, Math.floor), decade(high, (e) => Math.ceil(e + 1e-9))], [LATENCY, 0]).clamp(true);
}

function kindPart(track: KindTrack, latency: LatencyScale, frame: Frame): Part {
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

/** Marks with their length and its uncertainty, where there is space for the words. */
function windowLane(all: readonly ServiceWindow[], { x, left, right }: Frame): string[] {
  const windows = visible(all, x);
  const taken = windows.map(({ fromMs, toMs }) => [x(fromMs), Math.max(x(toMs), x(fromMs) + MIN_MARK)] as const);
  const free = (from: number, to: number, own: number) =>
    from >= left && to <= right && taken.every(([start, end], i) => i === own || to <= start || from >= end);
  return windows.flatMap((window, i) => {
    const label = `${window.type} ${lengthOf(window)}`;
    const wide = label.length * CHARACTER + 6;
    const [start, end] = taken[i] as readonly [number, number];
    const mark = `<rect class="${window.type}" data-window="${text(window.kind)}" ${span(window, x)} y="2" height="${WINDOW_LANE - 2}"><title>${text(windowWords(window))}</title></rect>`;
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

/** Without those that lie behind the mark of the one before, so that a flickering run stays a small file. */
function visible(windows: readonly ServiceWindow[], x: Frame['x']): ServiceWindow[] {
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
function windowWords(window: ServiceWindow, label?: string): string {
  const { type, kind, fromMs, toMs, ok, failed } = window;
  const where = label === undefined ? kind : `${kind} on ${label}`;
  return `${where}: ${type} ${lengthOf(window)}, from ${formatMoment(fromMs)} to ${formatMoment(toMs)}; ${failed} failed, ${ok} ok`;
}

/** A bar for each second: its height is how busy the processors were. */
function machinePart({ machine }: Timeline, { left, right, narrow, x }: Frame): Part {
  if (machine.length === 0) return { height: 0, lines: [] };
  const bars = machine.map(({ fromMs, toMs, busy, starved }) => {
    const height = Math.max(1, busy * (MACHINE - 2));
    const told = `machine ${formatShare(busy)} busy from ${formatMoment(fromMs)} to ${formatMoment(toMs)}${starved === undefined ? '' : `; starved: ${starved}`}`;
    return `<rect class="${starved === undefined ? 'busy' : 'starved'}" ${span({ fromMs, toMs }, x)} y="${px(MACHINE - 1 - height)}" height="${px(height)}"><title>${text(told)}</title></rect>`;
  });
  const ground = `<rect class="idle" x="${left}" width="${px(right - left)}" y="1" height="${MACHINE - 2}"/>`;
  return { height: MACHINE + 4, lines: [rowLabel('machine', left, narrow, 14), ground, ...bars] };
}

function partitionsPart({ partitions, partitionsLeftOut }: Timeline, frame: Frame): Part {
  const more = `and ${partitionsLeftOut} more, of which none is shown for want of space`;
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
      // What is worse is drawn above what is not so bad.
      ...visible(windows, x)
        .toSorted((a, b) => a.type.localeCompare(b.type))
        .map(
          (window) =>
            `<rect class="${window.type}" data-partition="${text(partition)}" ${span(window, x)} y="1" height="${ROW - 5}"><title>${text(windowWords(window, label))}</title></rect>`,
        ),
    ],
  });
  return [row('reads', reads), row('writes', writes), { height: 4, lines: [] }];
}

function axisPart({ fromMs, toMs }: Timeline, bodyHeight: number, { left, right, narrow, x }: Frame): Part {
  const inMinutes = toMs - fromMs > 240_000;
  const unitMs = inMinutes ? 60_000 : 1_000;
  const ticks = scaleLinear([fromMs / unitMs, toMs / unitMs], [left, right]).ticks(narrow ? 4 : 10);
  const unit = inMinutes ? 'min' : 's';
  const bottom = px(bodyHeight + 4);
  const labels = px(bodyHeight + 4 + FONT + 3);
  return {
    height: 38,
    lines: [
      `<g class="ticks" data-bottom="${bottom}" data-labels="${labels}">`,
      ...ticks.flatMap((tick) => [
        `<path class="grid" d="M${px(x(tick * unitMs))},0V${bottom}"/>`,
        `<text class="dim middle" x="${px(x(tick * unitMs))}" y="${labels}">${tick} ${unit}</text>`,
      ]),
      '</g>',
      `<text class="dim middle" x="${px((left + right) / 2)}" y="${px(bodyHeight + 32)}">time since the start of the run</text>`,
    ],
  };
}

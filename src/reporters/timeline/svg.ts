/** The picture of a run as SVG: load and latency of each kind, nodes, partitions, with the faults across them all. */

import { scaleLinear } from 'd3-scale';
import { formatMoment, formatShare } from '../../model/units.ts';
import { clip, htmlText as text } from '../escape.ts';
import { TIMELINE_CSS } from '../page/assets.ts';
import {
  BOLD_CHARACTER,
  CHARACTER,
  type Frame,
  moved,
  ms,
  type Part,
  px,
  ROW,
  rowLabel,
  stack,
  timeMark,
} from './drawing.ts';
import { kindPart, latencyScale } from './kind-rows.ts';
import { nodesPart } from './node-rows.ts';
import { partitionsPart } from './partition-rows.ts';
import type { FaultBand, Timeline } from './timeline.ts';

interface PictureOptions {
  /** The width in CSS pixels; the height follows from the content. */
  readonly width: number;
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** The description for screen readers. */
  readonly description: string;
  /** Whether the SVG contains its style; a page with several pictures has the style once. */
  readonly standalone: boolean;
}

/** Narrower pictures have short labels. */
const NARROW = 560;
const FONT = 11;
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

/** Labels go to further rows if they would overlap. */
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
  const across = { data: ['act', act], y: top, height, told } as const;
  const full = timeMark({ fromMs, toMs: healAskedMs }, x, { name: 'fault', ...across });
  const edge = `<path class="fault-edge" d="M${px(x(fromMs))},${px(top)}v${px(height)}"/>`;
  if (toMs <= healAskedMs) return [full, edge];
  return [
    full,
    timeMark({ fromMs: healAskedMs, toMs }, x, { name: 'fault-ending', ...across }),
    edge,
    `<path class="fault-ending-edge" d="M${px(x(healAskedMs))},${px(top)}v${px(height)}"/>`,
  ];
}

/** A bar for each second; its height shows how busy the processors were. */
function machinePart({ machine }: Timeline, { left, right, narrow, x }: Frame): Part {
  if (machine.length === 0) return { height: 0, lines: [] };
  const bars = machine.map(({ fromMs, toMs, busy, starved }) => {
    const height = Math.max(1, busy * (MACHINE - 2));
    const told = `machine ${formatShare(busy)} busy from ${formatMoment(fromMs)} to ${formatMoment(toMs)}${starved === undefined ? '' : `; starved: ${starved}`}`;
    const name = starved === undefined ? 'busy' : 'starved';
    return timeMark({ fromMs, toMs }, x, { name, y: MACHINE - 1 - height, height, told });
  });
  const ground = `<rect class="idle" x="${left}" width="${px(right - left)}" y="1" height="${MACHINE - 2}"/>`;
  return { height: MACHINE + 4, lines: [rowLabel('machine', left, narrow, 14), ground, ...bars] };
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

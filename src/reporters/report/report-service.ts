/** Service as clients saw it: availability, latency, probes, outages and brownouts, recovery. */

import { type ServiceWindow, SPANS } from '../../model/figures.ts';
import { ofEveryPartition, partitionsWordOf, partitionWordOf } from '../../model/partition-words.ts';
import type { Report } from '../../model/report.ts';
import { formatCount, formatMoment, formatShare } from '../../model/units.ts';
import { type Block, left, line, right, section, strong, table } from '../document.ts';
import {
  disagreementLines,
  firstSuccessWords,
  kindWords,
  LATENCY_COLUMNS,
  latencyWords,
  lengthOf,
  number,
  PROBE_COLUMNS,
  probeWords,
  recoveryWords,
  SOURCES,
  SPAN_NAMES,
  windowName,
} from '../report-words.ts';

const MAX_WINDOWS = 200;

export function service(report: Report): Block[] {
  if (report.figures.availability.length === 0) return [line('No load ran.')];
  return [
    section('Availability', availability(report)),
    ...(report.figures.latency.length === 0 ? [] : [section('Latency', latency(report))]),
    ...(report.figures.probes.length === 0 ? [] : [section('Probes', probes(report))]),
    section('Outages and brownouts', windows(report)),
    ...(report.figures.recovery.length === 0 ? [] : [section('Recovery', recovery(report))]),
  ];
}

function availability({ figures, run }: Report): Block[] {
  const counts = ['availability', 'intended', 'ok', 'failed', 'unknown', 'not sent'];
  const spans = SPANS.flatMap((span) => {
    const range = figures.spans[span];
    return range ? [`${SPAN_NAMES[span]} from ${formatMoment(range.fromMs)} to ${formatMoment(range.toMs)}`] : [];
  });
  return [
    table(
      [left('operation'), left('span'), ...counts.map(right)],
      figures.availability.map(({ kind, span, figures: { share, intended, ok, fail, unknown, unsent } }) => [
        kindWords({ run }, kind),
        SPAN_NAMES[span],
        formatShare(share),
        ...[intended, ok, fail, unknown, unsent].map(number),
      ]),
      {
        id: 'availability',
        caption: 'Operations that ended ok, of those that the schedule intended',
      },
    ),
    line(`Spans: ${spans.join(', ')}.`),
  ];
}

function latency({ figures }: Report): Block[] {
  return [
    table(
      [left('operation'), left('span'), ...LATENCY_COLUMNS.map(right)],
      figures.latency.map(({ kind, span, figures: latency }) => [kind, SPAN_NAMES[span], ...latencyWords(latency)]),
      {
        id: 'latency',
        caption: 'Successful operations, timed from their scheduled start; percentiles need enough answers',
      },
    ),
  ];
}

function probes({ figures, topology }: Report): Block[] {
  const of = ofEveryPartition(topology.partitionWord);
  return [
    table(
      [left('probe'), left('span'), ...PROBE_COLUMNS.map(right)],
      figures.probes.map((one) => [one.kind, SPAN_NAMES[one.span], ...probeWords(one)]),
      {
        id: 'probes',
        caption: `The lightest read and write${of}, from sent until answered; probe-connect reads on a connection that is opened for it`,
      },
    ),
  ];
}

function windows({ figures, topology }: Report): Block[] {
  const whole = figures.windows.filter(({ partition }) => partition === undefined);
  const ofPartitions = figures.windows.filter(({ partition }) => partition !== undefined);
  const words = partitionsWordOf(topology.partitionWord);
  return [
    ...(whole.length === 0
      ? [line('No kind of operation as a whole had an outage or a brownout.')]
      : windowTable(whole, {
          id: 'windows',
          caption: 'outage: no success; brownout: some failed or late; failures: too short for an outage',
        })),
    line(SOURCES),
    ...disagreementLines(figures).map((words) => line(strong(words))),
    ...(ofPartitions.length === 0 || topology.partitionWord === undefined
      ? []
      : [
          {
            type: 'details',
            summary: `Single ${words}: ${formatCount(ofPartitions.length, 'window')}`,
            blocks: windowTable(
              ofPartitions,
              { id: 'partition-windows', caption: `Outages and brownouts of single ${words}` },
              partitionWordOf(topology.partitionWord),
            ),
          } as const,
        ]),
  ];
}

/** @param word the title of the column of partitions; no such column by default. */
function windowTable(windows: readonly ServiceWindow[], rest: Parameters<typeof table>[2], word?: string): Block[] {
  const ofPartition = (cell: string) => (word === undefined ? [] : [cell]);
  const more = windows.length - MAX_WINDOWS;
  return [
    table(
      [
        ...['window', 'operation', ...ofPartition(word ?? ''), 'seen by'].map(left),
        ...['from', 'to', 'length', 'ok', 'failed'].map(right),
      ],
      windows
        .slice(0, MAX_WINDOWS)
        .map((window) => [
          windowName(window),
          window.kind,
          ...ofPartition(window.partition ?? ''),
          `the ${window.seenBy}`,
          formatMoment(window.fromMs),
          formatMoment(window.toMs),
          lengthOf(window),
          number(window.ok),
          number(window.failed),
        ]),
      rest,
    ),
    ...(more > 0 ? [line(`${formatCount(more, 'more window')} in report.json.`)] : []),
  ];
}

function recovery({ figures }: Report): Block[] {
  return [
    table(
      [left('operation'), right('first success'), right('recovery time')],
      figures.recovery.map((one) => [
        one.kind,
        firstSuccessWords(one),
        one.recoveryMs === null ? strong(recoveryWords(one)) : recoveryWords(one),
      ]),
      {
        id: 'recovery',
        caption: 'From the fault in effect to the first success after an outage, and until service was back to normal',
      },
    ),
  ];
}

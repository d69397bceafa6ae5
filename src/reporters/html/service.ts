/** The figures of a run on the page: service by kind and by partition, what became of the data, errors. */

import { type Availability, type ServiceWindow, SPANS } from '../../model/figures.ts';
import { ofEveryPartition, partitionsWordOf, partitionWordOf } from '../../model/partition-words.ts';
import type { Report } from '../../model/report.ts';
import { formatCount, formatMoment, formatShare } from '../../model/units.ts';
import { clip } from '../escape.ts';
import {
  differs,
  disagreementLines,
  firstSuccessWords,
  kindWords,
  LATENCY_COLUMNS,
  latencyWords,
  ledgerRows,
  lengthOf,
  lookAgain,
  messagesReadWords,
  NO_LEDGER,
  NO_PROOF,
  number,
  observedWords,
  PROBE_COLUMNS,
  partitionsHeading,
  predictedWords,
  probeWords,
  recoveryWords,
  SOURCES,
  SPAN_NAMES,
  wasPredicted,
  windowName,
  writesWords,
} from '../report-words.ts';
import { type Content, html, left, MAX_TEXT, paragraph, right, table } from './markup.ts';

const MAX_ERRORS = 100;
const MAX_WINDOWS = 200;

export function service({ figures, run, topology }: Report): Content {
  const words = partitionsWordOf(topology.partitionWord);
  const word = partitionWordOf(topology.partitionWord);
  if (figures.availability.length === 0) return paragraph('No load was run.');
  const whole = figures.windows.filter(({ partition }) => partition === undefined);
  const ofPartitions = figures.windows.filter(({ partition }) => partition !== undefined);
  return [
    table(
      'Availability: operations that ended ok, of those that the schedule intended',
      [
        left('operation'),
        left('span'),
        ...['availability', 'intended', 'ok', 'failed', 'unknown', 'not sent'].map(right),
      ],
      figures.availability.map(({ kind, span, figures: { share, intended, ok, fail, unknown, unsent } }) => [
        kindWords({ run }, kind),
        SPAN_NAMES[span],
        formatShare(share),
        ...[intended, ok, fail, unknown, unsent].map(number),
      ]),
      'availability',
    ),
    figures.latency.length === 0
      ? ''
      : table(
          'Latency of operations that ended ok, from the intended start',
          [left('operation'), left('span'), ...LATENCY_COLUMNS.map(right)],
          figures.latency.map(({ kind, span, figures: latency }) => [kind, SPAN_NAMES[span], ...latencyWords(latency)]),
          'latency',
        ),
    figures.probes.length === 0
      ? ''
      : table(
          `Probes: the lightest read and write${ofEveryPartition(topology.partitionWord)}, from sent until answered; probe-connect opens a connection`,
          [left('probe'), left('span'), ...PROBE_COLUMNS.map(right)],
          figures.probes.map((one) => [one.kind, SPAN_NAMES[one.span], ...probeWords(one)]),
          'probes',
        ),
    paragraph(`Spans: ${spanWords(figures.spans)}.`),
    whole.length === 0
      ? paragraph('No kind of operation as a whole had an outage or a brownout.')
      : windowTable('Outages (no success) and brownouts (some failed or came late)', whole),
    paragraph(SOURCES),
    ...disagreementLines(figures).map(paragraph),
    ofPartitions.length === 0 || topology.partitionWord === undefined
      ? ''
      : html`<details><summary>Of single ${words}: ${formatCount(ofPartitions.length, 'window')}</summary>\n${windowTable(`Outages and brownouts of single ${words}`, ofPartitions, word)}</details>\n`,
    figures.recovery.length === 0
      ? ''
      : table(
          'Recovery: from the fault in effect to the first success after an outage, and until service was as before',
          [left('operation'), right('first success'), right('recovery time')],
          figures.recovery.map((one) => [one.kind, firstSuccessWords(one), recoveryWords(one)]),
          'recovery',
        ),
  ];
}

function spanWords(spans: Report['figures']['spans']): string {
  return SPANS.flatMap((span) => {
    const range = spans[span];
    return range ? [`${SPAN_NAMES[span]} from ${formatMoment(range.fromMs)} to ${formatMoment(range.toMs)}`] : [];
  }).join(', ');
}

/** @param word for the column of partitions; none by default. */
function windowTable(caption: string, windows: readonly ServiceWindow[], word?: string): Content {
  const withPartition = word !== undefined;
  const more = windows.length - MAX_WINDOWS;
  return [
    table(
      caption,
      [
        left('window'),
        left('operation'),
        ...(word === undefined ? [] : [left(word)]),
        left('seen by'),
        ...['from', 'to', 'length', 'ok', 'failed'].map(right),
      ],
      windows
        .slice(0, MAX_WINDOWS)
        .map((window) => [
          windowName(window),
          window.kind,
          ...(withPartition ? [window.partition ?? ''] : []),
          `the ${window.seenBy}`,
          formatMoment(window.fromMs),
          formatMoment(window.toMs),
          lengthOf(window),
          number(window.ok),
          number(window.failed),
        ]),
      withPartition ? 'partition-windows' : 'windows',
    ),
    more > 0 ? paragraph(`${formatCount(more, 'more window')} in report.json.`) : '',
  ];
}

export function partitions(report: Report): Content {
  const { partitions: rows } = report.figures;
  const { partitionWord } = report.topology;
  const word = partitionWord ?? 'rows';
  if (rows.length === 0) return paragraph('Nothing was seen of them.');
  const all = partitionWord === undefined ? 'all rows' : `each ${partitionWord}`;
  const predicted = wasPredicted(rows);
  const counted = report.run.messages > 0;
  const observed = (expected: boolean | undefined, seen: Availability) =>
    differs(expected, seen) ? html`<span class="differs">≠ ${observedWords(seen)}</span>` : observedWords(seen);
  return [
    paragraph(partitionsHeading(report)),
    table(
      predicted ? `What was predicted of ${all}, and what was observed` : `What was observed of ${all}`,
      [
        left(word),
        left('on'),
        ...(counted ? [right('messages read')] : []),
        ...(predicted ? [left('readable: predicted')] : []),
        left('reads observed'),
        ...(predicted ? [left('writable: predicted')] : []),
        left('writes observed'),
      ],
      rows.map((partition) => [
        partitionWord === undefined ? 'all' : partition.partition,
        partition.copies.join(', '),
        ...(counted ? [messagesReadWords(partition)] : []),
        ...(predicted ? [predictedWords(partition, 'read')] : []),
        observed(partition.predictedReadable, partition.read),
        ...(predicted ? [predictedWords(partition, 'write')] : []),
        observed(partition.predictedWritable, partition.write),
      ]),
      'partition-table',
    ),
  ];
}

export function data({ ledger }: Report): Content {
  if (!ledger) return paragraph(NO_LEDGER);
  const statements = lookAgain(ledger);
  return [
    ledger.finalReads ? '' : html`<p><strong>${NO_PROOF}</strong></p>\n`,
    paragraph(writesWords(ledger)),
    table(
      'What was not as it was written',
      [left('what'), right('how many'), left('witnesses (writer:sequence)')],
      ledgerRows(ledger).map(({ what, count, witnesses, more }) => [
        what,
        count === undefined ? 'not known' : count === 0 ? 'nothing' : html`<strong>${number(count)}</strong>`,
        [
          witnesses.map((key, i) => html`${i === 0 ? '' : html`, `}<code>${clip(key, MAX_TEXT)}</code>`),
          more ? ', …' : '',
        ],
      ]),
      'ledger',
    ),
    statements.length === 0
      ? ''
      : html`<details><summary>SQL to look at the witnesses again</summary>\n<pre>${statements.join('\n')}</pre></details>\n`,
  ];
}

export function errors({ figures }: Report): Content {
  if (figures.errors.length === 0) return paragraph('No operation ended with an error.');
  const more = figures.errors.length - MAX_ERRORS;
  return [
    table(
      'What the client was told, grouped; the text is that of the first',
      [
        left('code'),
        left('operation'),
        left('outcome'),
        right('count'),
        right('first at'),
        right('last at'),
        left('text'),
      ],
      figures.errors
        .slice(0, MAX_ERRORS)
        .map(({ code, kind, outcome, count, firstAtMs, lastAtMs, text }) => [
          html`<code>${clip(code, MAX_TEXT)}</code>`,
          kind,
          outcome === 'unsent' ? 'not sent' : outcome,
          number(count),
          formatMoment(firstAtMs),
          formatMoment(lastAtMs),
          html`<div class="text">${clip(text, MAX_TEXT)}</div>`,
        ]),
      'error-table',
    ),
    more > 0 ? paragraph(`${formatCount(more, 'more group')} in report.json.`) : '',
  ];
}

/** A map of tolerance as text and as Markdown. */

import type { LayoutFigures } from '../plan/tolerance/advice.ts';
import { formatCount, formatEstimate, formatProbability, formatYearly, plural } from '../plan/tolerance/format.ts';
import type { AccessTolerance, Tolerance, ToleranceRow } from '../plan/tolerance.ts';
import { type Block, left, line, list, right, section, type Table, table } from './document.ts';
import { documentMarkdown } from './document-markdown.ts';
import { documentText } from './document-text.ts';

export interface ToleranceOptions {
  /** The layout or the source of the placement: `as a ring`, `from placement.json`. */
  readonly origin: string;
}

/** @returns lines without colours or line breaks. */
export function toleranceText(
  map: Tolerance,
  { origin, columns }: ToleranceOptions & { readonly columns: number },
): string[] {
  return documentText(blocksOf(map, { origin }), columns);
}

export function toleranceMarkdown(map: Tolerance, options: ToleranceOptions): string {
  return documentMarkdown(blocksOf(map, options));
}

function blocksOf(map: Tolerance, { origin }: ToleranceOptions): Block[] {
  const alike = map.reads === map.writes;
  return [
    {
      type: 'title',
      text: `What survives: ${plural(map.workers, 'worker')}, ${plural(map.partitions, map.partitionWord)}, ${copiesInWords(map)}, ${origin}`,
    },
    line(`Rule ${map.rule}: ${map.needs}.`),
    ...(alike
      ? [accessSection('Reads and writes', map.reads, map)]
      : [accessSection('Reads', map.reads, map), accessSection('Writes', map.writes, map)]),
    line(
      'The coordinator adds to this: it is in the path of every statement and is down ' +
        `${formatProbability(map.coordinatorDown)} of the time, ${formatYearly(map.coordinatorDown)}.`,
    ),
    section('Layouts', [layoutTable(map, alike), list(map.advice.findings)]),
    section('How sure', [line(howSure(map))]),
  ];
}

function copiesInWords({ copies }: Tolerance): string {
  const word = (count: number) => (count === 1 ? '1 copy' : `${count} copies`);
  const [only] = copies;
  if (copies.length === 1 && only) return `${word(only.copies)} of each`;
  return copies.map((entry) => `${word(entry.copies)} of ${formatCount(String(entry.partitions))}`).join(', ');
}

function accessSection(heading: string, access: AccessTolerance, map: Tolerance): Block {
  const { size, count, sets } = access.smallestFatal;
  const sampled = access.rows.some(({ fatal }) => fatal.method === 'sampled');
  return section(heading, [
    table(
      [
        ...['down', 'subsets', 'of them fatal', 'share'].map(right),
        ...(sampled ? [left('95 % interval')] : []),
        left('how'),
        right('expected loss'),
        left('worst case'),
      ],
      rowsToShow(access.rows).map((row) => [
        String(row.down),
        formatCount(row.subsets),
        row.fatal.count === undefined ? approximateCount(row) : formatCount(row.fatal.count),
        formatProbability(row.fatal.share),
        ...(sampled ? [intervalOf(row)] : []),
        row.fatal.method,
        formatProbability(row.expectedShare),
        worstInWords(row, map.partitionWord),
      ]),
    ),
    line(
      `Smallest fatal sets: ${formatCount(String(count))} of ${plural(size, 'worker')}${count > sets.length ? '; those that cut off most' : ''}:`,
    ),
    list(
      sets.map(({ workers, cutsOff, partitions }) => {
        const more =
          cutsOff > partitions.length ? `, ... (${formatCount(String(cutsOff - partitions.length))} more)` : '';
        return `${workers.join(' + ')}: ${plural(cutsOff, map.partitionWord)}, ${partitions.join(', ')}${more}`;
      }),
    ),
    line(
      `With every worker up ${formatProbability(map.nodeAvailability)} of the time, independently: some ${map.partitionWord} is lost ` +
        `${formatEstimate(access.outage)} of the time, ${formatYearly(access.outage.share)}; ` +
        `of all ${map.partitionWord}s ${formatProbability(access.expectedShare)} are lost on average.`,
    ),
  ]);
}

/** All rows if there are few; else 1 to 8, then rows at growing steps, and the last. */
function rowsToShow(rows: readonly ToleranceRow[]): readonly ToleranceRow[] {
  if (rows.length <= 12) return rows;
  return rows.filter(({ down }) => {
    const step = 2 ** Math.max(0, Math.floor(Math.log2(down)) - 2);
    return down <= 8 || down === rows.length || down % step === 0;
  });
}

function approximateCount({ subsets, fatal }: ToleranceRow): string {
  // Six digits of the share, however small it is, are enough for the two that are shown.
  const [mantissa = '', exponent] = fatal.share.toExponential(5).split('e');
  const count = (BigInt(subsets) * BigInt(mantissa.replace('.', ''))) / 10n ** BigInt(5 - Number(exponent));
  // A share above zero means that a fatal set was found.
  const digits = String(count === 0n && fatal.share > 0 ? 1n : count);
  return digits.length <= 2 ? `about ${digits}` : `about ${digits[0]}.${digits[1]}e${digits.length - 1}`;
}

function intervalOf({ fatal: { low, high, method } }: ToleranceRow): string {
  return method === 'exact' ? '' : `${formatProbability(low)} to ${formatProbability(high)}`;
}

function worstInWords({ worst }: ToleranceRow, word: string): string {
  const { partitions, atMost, workers } = worst;
  if (atMost === 0) return 'nothing';
  const figure =
    partitions === atMost ? plural(partitions, word) : `${formatCount(String(partitions))} to ${plural(atMost, word)}`;
  return workers.length === 0 || workers.length > 3 ? figure : `${figure}: ${workers.join(' + ')}`;
}

function layoutTable({ advice, partitionWord }: Tolerance, alike: boolean): Table {
  return table(
    [
      left('layout'),
      ...['copies', 'fatal sets', 'of', 'one cuts off', alike ? 'outage' : 'outage of reads'].map(right),
      ...(alike ? [] : [right('of writes')]),
      right('load of a survivor'),
    ],
    advice.layouts.map((layout: LayoutFigures) => [
      layout.layout === 'given' ? 'as given' : layout.layout,
      String(layout.copies),
      formatCount(String(layout.fatalSets)),
      plural(layout.fatalSize, 'worker'),
      `up to ${plural(layout.cutsOff, partitionWord)}`,
      formatProbability(layout.readOutage.share),
      ...(alike ? [] : [formatProbability(layout.writeOutage.share)]),
      `x ${Number(layout.survivorLoad.toFixed(2))}`,
    ]),
  );
}

function howSure({ sampling, reads }: Tolerance): string {
  const independence =
    'This assumes that nodes fail independently; a shared rack, host or rollout makes every figure worse.';
  if (sampling.walks === 0) return `Every figure is exact. ${independence}`;
  const widest = Math.max(...reads.rows.map(({ fatal }) => (fatal.high - fatal.low) / 2));
  return (
    `Shares marked "sampled" come from ${plural(sampling.walks, 'random walk')} (seed ${sampling.seed}), true to ` +
    `${Math.ceil(widest * 1e5) / 1e3} percentage points or better with 95 % confidence; all others are exact. ` +
    `A worst case written as a range is bracketed. ${independence}`
  );
}

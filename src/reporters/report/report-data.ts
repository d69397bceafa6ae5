/** The data: each partition during the fault, the ledger of writes, and the errors that clients met. */

import type { Availability } from '../../model/figures.ts';
import type { Report } from '../../model/report.ts';
import { formatCount, formatMoment } from '../../model/units.ts';
import { type Block, code, left, line, right, said, strong, table, type Words } from '../document.ts';
import {
  differs,
  ledgerRows,
  lookAgain,
  messagesReadWords,
  NO_LEDGER,
  NO_PROOF,
  number,
  observedWords,
  partitionsHeading,
  predictedWords,
  wasPredicted,
  writesWords,
} from '../report-words.ts';

const MAX_ERRORS = 100;

export function partitions(report: Report): Block[] {
  const { partitions: rows } = report.figures;
  const { partitionWord } = report.topology;
  if (rows.length === 0) return [line('No partition was observed.')];
  const all = partitionWord === undefined ? 'all rows' : `each ${partitionWord}`;
  const predicted = wasPredicted(rows);
  const counted = report.run.messages > 0;
  return [
    line(partitionsHeading(report)),
    table(
      [
        left(partitionWord ?? 'rows'),
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
      {
        id: 'partition-table',
        caption: predicted ? `What was predicted of ${all}, and what was observed` : `What was observed of ${all}`,
      },
    ),
  ];
}

function observed(predicted: boolean | undefined, seen: Availability): Words {
  return differs(predicted, seen) ? { is: 'differs', text: observedWords(seen) } : observedWords(seen);
}

export function data({ ledger }: Report): Block[] {
  if (!ledger) return [line(NO_LEDGER)];
  const statements = lookAgain(ledger);
  return [
    ...(ledger.finalReads ? [] : [line(strong(NO_PROOF))]),
    line(writesWords(ledger)),
    table(
      [left('what'), right('how many'), left('rows (writer:sequence)')],
      ledgerRows(ledger).map(({ what, count, witnesses, more }) => [
        what,
        count === undefined ? 'not known' : count === 0 ? '0' : strong(number(count)),
        [...witnesses.flatMap((key, i) => [...(i === 0 ? [] : [', ']), code(key)]), more ? ', …' : ''],
      ]),
      { id: 'ledger', caption: 'Rows that differ from the writes' },
    ),
    ...(statements.length === 0
      ? []
      : [
          {
            type: 'details',
            summary: 'SQL to look at these rows again',
            blocks: [{ type: 'code', language: 'sql', lines: statements }],
          } as const,
        ]),
  ];
}

export function errors({ figures }: Report): Block[] {
  if (figures.errors.length === 0) return [line('No operation ended with an error.')];
  const more = figures.errors.length - MAX_ERRORS;
  return [
    table(
      [
        ...['code', 'operation', 'outcome'].map(left),
        ...['count', 'first at', 'last at'].map(right),
        left('text of the first'),
      ],
      figures.errors
        .slice(0, MAX_ERRORS)
        .map(({ code: sqlState, kind, outcome, count, firstAtMs, lastAtMs, text }) => [
          code(sqlState),
          kind,
          outcome === 'unsent' ? 'not sent' : outcome,
          number(count),
          formatMoment(firstAtMs),
          formatMoment(lastAtMs),
          said(text),
        ]),
      { id: 'error-table', caption: 'Errors that clients received, grouped' },
    ),
    ...(more > 0 ? [line(`${formatCount(more, 'more group')} in report.json.`)] : []),
  ];
}

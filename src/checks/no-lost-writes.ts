/** RPO: the final reads find every acknowledged write and every initial message. */

import { z } from 'zod';
import { notRead } from '../measure/final-reads.ts';
import { describeLate, lateWritesOf } from '../measure/late-writes.ts';
import { lostOf } from '../measure/ledger.ts';
import { lostWritesOf } from '../measure/lost-writes.ts';
import { placementOf } from '../measure/partitions.ts';
import { auditWrites, type WriteAudit } from '../measure/write-audit.ts';
import type { History, Operation } from '../model/history.ts';
import { keyWordOf, partitionNamed } from '../model/partition-words.ts';
import { formatCount, formatDuration, formatMoment } from '../model/units.ts';
import type { Finding } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

export const noLostWrites = defineCheck<z.output<typeof params>>({
  name: 'no-lost-writes',
  summary: 'Every acknowledged write and every initial message is found by the final reads (RPO 0).',
  unknownWhen:
    'no final read was made; no write was acknowledged; or a missing write may be on a placement that could not be read or in a transaction that is still prepared.',
  answers: 'loss',
  params,
  requires: ['ledger'],
  provenByPart: true,

  hopeless(_, { writes }) {
    return writes === false ? 'this workload writes nothing' : undefined;
  },

  check(history) {
    const initial = history.run.messages === 0 ? '' : ' and every initial message';
    const expected = `every acknowledged write${initial} found by the final reads`;
    return { expected, ...judge(history, auditWrites(history)) };
  },
});

function judge(history: History, audit: WriteAudit): Omit<Finding, 'expected'> {
  const { finalReads, acknowledged, hidden } = audit;
  const evidence = describe(history, audit);
  if (!finalReads.made) return { judgement: 'unknown', observed: 'no final read was made', evidence };
  const lost = lostWritesOf(history);
  if (lost) {
    const { what, doubt } = lost;
    return doubt === undefined
      ? { judgement: 'fail', observed: `${what} lost`, evidence }
      : { judgement: 'unknown', observed: `${what} ${doubt}`, evidence };
  }
  if (acknowledged === 0) return { judgement: 'unknown', observed: 'no write was acknowledged', evidence };
  const notSeen = hidden.count > 0 ? `; ${hidden.count} of them only on a placement, not seen by clients` : '';
  const { messages } = history.run;
  const initial = messages === 0 ? '' : ` and ${formatCount(messages, 'initial message')}`;
  const all = `all ${formatCount(acknowledged, 'acknowledged write')}${initial}`;
  const { late, forMs } = lateWritesOf(history);
  const lately =
    late.count > 0 && forMs !== null
      ? `; ${late.count} of them were invisible for up to ${formatDuration(forMs)}, until prepared transactions ended`
      : '';
  return { judgement: 'pass', observed: `${all} found${notSeen}${lately}`, evidence };
}

function describe(history: History, audit: WriteAudit): string[] {
  const { partitions = [], partitionWord: word } = placementOf(history) ?? {};
  const where = ({ partitionKey, partition }: Operation) =>
    [
      ...(partitionKey === undefined ? [] : [`${keyWordOf(history.run)} ${partitionKey}`]),
      ...(partition === undefined ? [] : [partitionNamed(word, partitions[partition]?.name ?? String(partition))]),
    ].join(', ');
  const { finalReads, lostWitnesses, lostInitial, hidden, unknown, unknownPresent, unknownAbsent, receded } = audit;
  return [
    ...lostWitnesses.map(
      (operation) => `${operation.key} lost: ${where(operation)}, acknowledged at ${formatMoment(operation.settledAt)}`,
    ),
    ...lostInitial.keys.map((key) => `${key} lost: a message of the initial data set`),
    ...lateWritesOf(history).first.map(describeLate),
    ...hidden.keys.map((key) => `${key}: on a placement, but not seen by clients`),
    ...notRead(finalReads.missing),
    ...(unknown > 0
      ? [
          `${formatCount(unknown, 'write')} ended unknown: ${unknownPresent} of them committed, ${unknownAbsent} not, ` +
            `${unknown - unknownPresent - unknownAbsent} unresolved`,
        ]
      : []),
    ...receded.keys.map((key) => `${key}: ended unknown, was returned by a read, then lost`),
    ...lostOf(audit).lookAgain(history),
  ];
}

/** RPO: how many acknowledged writes are lost, over which time they were acknowledged, and by which node. */

import { z } from 'zod';
import { notRead } from '../measure/final-reads.ts';
import { lostOf } from '../measure/ledger.ts';
import { lostWritesOf } from '../measure/lost-writes.ts';
import { roleFigures } from '../measure/roles.ts';
import { auditWrites, type WriteAudit } from '../measure/write-audit.ts';
import type { LostByNodeFigures, RoleFigures } from '../model/figures.ts';
import type { History } from '../model/history.ts';
import { duration } from '../model/quantities.ts';
import { expectedButFound } from '../model/quoted.ts';
import { formatCount, formatDuration, formatMoment } from '../model/units.ts';
import type { Finding } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const EXPECTED = 'a count such as 0, or a span of time such as 15s';

const params = z.strictObject({
  max: z
    .union(
      [
        z
          .int()
          .min(0, { error: ({ input }) => expectedButFound(EXPECTED, input) })
          .meta({ title: 'How many' }),
        duration.transform((ofTimeMs) => ({ ofTimeMs })).meta({ title: 'Of which time' }),
      ],
      {
        error: ({ input }) => expectedButFound(EXPECTED, input),
      },
    )
    .default(0)
    .describe(
      'The most that may be lost: a count, or the time from the first to the last acknowledgement of a lost write.',
    ),
});

type Limit = z.output<typeof params>['max'];

export const lostWrites = defineCheck<z.output<typeof params>>({
  name: 'lost-writes',
  summary: 'How many acknowledged writes are lost, and which node had acknowledged them (RPO).',
  unknownWhen:
    "no final read was made; no write was acknowledged; more than `max` is missing and something could not be read; or no node that takes writes returned the witness's rows.",
  answers: 'loss',
  params,
  requires: ['ledger'],
  provenByPart: true,

  hopeless(_, { writes }) {
    return writes === false ? 'this workload writes nothing' : undefined;
  },

  check(history, { max }) {
    const limit =
      typeof max === 'number'
        ? formatCount(max, 'acknowledged write')
        : `${formatDuration(max.ofTimeMs)} of acknowledged writes`;
    return { expected: `at most ${limit} lost`, ...judge(history, max) };
  },
});

function judge(history: History, max: Limit): Omit<Finding, 'expected'> {
  const audit = auditWrites(history);
  const roles = roleFigures(history);
  const evidence = describe(history, audit, roles);
  if (!audit.finalReads.made) return { judgement: 'unknown', observed: 'no final read was made', evidence };
  const lost = lostWritesOf(history);
  const byLoad = lost && `${lost.what} lost${spanWords(audit.lostBy)}`;
  if (lost && tooMuch(max, lost.count, loadSpanMs(audit))) {
    return lost.doubt === undefined
      ? { judgement: 'fail', observed: byLoad as string, evidence }
      : { judgement: 'unknown', observed: `${lost.what} ${lost.doubt}`, evidence };
  }
  const ofWitness = witnessLoss(roles);
  if (tooMuch(max, ofWitness.lost, ofWitness.forMs)) {
    const observed = [byLoad ?? 'none of the load', ofWitness.words].join('; ');
    return { judgement: 'fail', observed, evidence };
  }
  if (audit.acknowledged === 0) return { judgement: 'unknown', observed: 'no write was acknowledged', evidence };
  if (roles?.witness.some(({ lost: gone }) => gone === null)) {
    return {
      judgement: 'unknown',
      observed: "the witness's rows were not read on a primary at the end",
      evidence,
    };
  }
  const { missing } = audit.finalReads;
  if (lost && missing.length > 0) {
    return { judgement: 'unknown', observed: `${byLoad}, and ${missing.join(', ')} could not be read`, evidence };
  }
  const kept = byLoad ?? `all ${formatCount(audit.acknowledged, 'acknowledged write')} found`;
  return { judgement: 'pass', observed: [kept, ...(ofWitness.lost > 0 ? [ofWitness.words] : [])].join('; '), evidence };
}

function tooMuch(max: Limit, count: number, forMs: number): boolean {
  return typeof max === 'number' ? count > max : count > 0 && forMs > max.ofTimeMs;
}

/** Initial messages are older than any time of the run. */
function loadSpanMs({ lostBy, lostInitial }: WriteAudit): number {
  if (lostInitial.count > 0) return Number.POSITIVE_INFINITY;
  const first = Math.min(...lostBy.map(({ firstMs }) => firstMs));
  return Math.max(...lostBy.map(({ lastMs }) => lastMs)) - first;
}

/** Losses of the witness, whose sessions stay with their node. */
function witnessLoss(roles: RoleFigures | undefined) {
  const losers = (roles?.witness ?? []).filter(({ lost }) => lost !== null && lost > 0);
  const words = losers.map(({ node, lost, acknowledged }) => `${lost} of ${acknowledged} that ${node} acknowledged`);
  return {
    lost: losers.reduce((sum, { lost }) => sum + (lost ?? 0), 0),
    forMs: losers.reduce((longest, { lostForMs }) => Math.max(longest, lostForMs), 0),
    words: `of the witness, ${words.join(', ')} lost`,
  };
}

function spanWords(lostBy: readonly LostByNodeFigures[]): string {
  const parts = lostBy.map(
    ({ node, count, firstMs, lastMs }) =>
      `${count} acknowledged by ${node ?? 'a node that was not read'} from ${formatMoment(firstMs)} to ${formatMoment(lastMs)}`,
  );
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

function describe(history: History, audit: WriteAudit, roles: RoleFigures | undefined): string[] {
  const { lostBy, lostWitnesses, lostInitial, finalReads } = audit;
  return [
    ...lostBy.map(
      ({ node, timeline, count, firstMs, lastMs }) =>
        `${node ?? 'unknown node'}${timeline === undefined ? '' : ` (timeline ${timeline})`}: ` +
        `${formatCount(count, 'acknowledged write')} lost, over ${formatDuration(lastMs - firstMs)}`,
    ),
    ...lostWitnesses.map(({ key, settledAt }) => `${key} lost: acknowledged at ${formatMoment(settledAt)}`),
    ...lostInitial.keys.map((key) => `${key} lost: a message of the initial data set`),
    ...(roles?.witness ?? []).map(
      ({ node, acknowledged, lost, lostForMs }) =>
        `witness on ${node}: ${formatCount(acknowledged, 'row')} acknowledged, ` +
        (lost === null
          ? 'not checked on the final primary'
          : `${lost} lost${lost > 0 ? `, over ${formatDuration(lostForMs)}` : ''}`),
    ),
    ...notRead(finalReads.missing),
    ...lostOf(audit).lookAgain(history),
  ];
}

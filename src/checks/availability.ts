/** The share of due operations of a kind that succeeded before their deadline. */

import { z } from 'zod';
import { ErrorGroups } from '../measure/errors.ts';
import { figuresOf } from '../measure/figures.ts';
import { wordOf } from '../measure/partitions.ts';
import { disagreementWords } from '../measure/sources.ts';
import { spanAt } from '../measure/spans.ts';
import { describeWindow } from '../measure/windows.ts';
import { type Figures, SPANS } from '../model/figures.ts';
import type { History } from '../model/history.ts';
import { share } from '../model/quantities.ts';
import { formatNumber, formatShare } from '../model/units.ts';
import { defineCheck, unknownKind } from './check.ts';

const params = z.strictObject({
  of: z.string().describe('A kind of operation of the workload, such as read.'),
  during: z.enum(SPANS).default('fault').describe('The span in which the operations were due.'),
  min: share.optional().describe('The least share of the due operations that must succeed.'),
  max: share.optional().describe('The most that may succeed, for a service that is expected to be down.'),
});

type Params = z.output<typeof params>;

const MAX_ERRORS = 3;
const MAX_WINDOWS = 5;

export const availability = defineCheck<Params>({
  name: 'availability',
  summary: 'What share of the due operations succeeded before their deadline.',
  unknownWhen: 'nothing was intended or sent; or the load met the limit while the probes saw an outage.',
  answers: 'availability',
  params,
  needsKeptSchedule: 'operations',

  validate({ of, min, max }, facts) {
    const problems = unknownKind(of, facts);
    if (min === undefined && max === undefined) {
      problems.push({ path: [], message: 'missing key "min", or "max"' });
    } else if (min !== undefined && max !== undefined && min > max) {
      problems.push({
        path: ['min'],
        message: `min is ${formatShare(min)}, which is more than max, ${formatShare(max)}`,
      });
    }
    return problems;
  },

  check(history, { of, during, min, max }) {
    const figures = figuresOf(history);
    const limits = [
      ...(min === undefined ? [] : [`at least ${formatShare(min)}`]),
      ...(max === undefined ? [] : [`at most ${formatShare(max)}`]),
    ];
    const expected = `${limits.join(' and ')} of ${of} operations ok in the ${during} span`;
    const found = figures.availability.find(({ kind, span }) => kind === of && span === during)?.figures;
    if (!found || found.share === null) {
      const unsent = found?.unsent ? `; ${formatNumber(found.unsent)} could not be sent by the client` : '';
      return {
        judgement: 'unknown',
        expected,
        observed: `no ${of} was intended in the ${during} span${unsent}`,
        evidence: [],
      };
    }
    const { ok, intended, unsent } = found;
    const observed =
      `${formatShare(found.share)}: ${formatNumber(ok)} of ${formatNumber(intended)} ok` +
      (unsent > 0 ? `, ${formatNumber(unsent)} more not sent by the client` : '');
    const disagree = disagreementWords(figures, of);
    const evidence = [...(ok < intended ? describeFailures(history, of, during) : []), ...disagree];
    const judgement = found.share >= (min ?? 0) && found.share <= (max ?? 1) ? 'pass' : 'fail';
    if (judgement === 'pass' && min !== undefined && outOfSight(figures, of, during)) {
      const contradicted = `${observed}; but the probes saw an outage that the load did not see`;
      return { judgement: 'unknown', expected, observed: contradicted, evidence };
    }
    return { judgement, expected, observed, evidence };
  },
});

/** Whether only the probes saw an outage that touches the span. */
function outOfSight({ disagreements = [], spans, windows }: Figures, of: string, during: Params['during']): boolean {
  const span = spans[during];
  if (!span || !disagreements.some(({ kind, toldBy }) => kind === of && toldBy === 'probes')) return false;
  return windows.some(
    ({ kind, type, partition, fromMs, toMs }) =>
      kind === of && type === 'outage' && partition === undefined && fromMs <= span.toMs && toMs >= span.fromMs,
  );
}

function describeFailures(history: History, of: string, during: Params['during']): string[] {
  const figures = figuresOf(history);
  const span = figures.spans[during];
  if (!span) return [];
  const windows = figures.windows.filter(
    ({ kind, partition, fromMs, toMs }) =>
      kind === of && partition === undefined && fromMs <= span.toMs && toMs >= span.fromMs,
  );
  const errors = new ErrorGroups();
  const word = wordOf(history);
  for (const operation of history.operations.scan()) {
    if (operation.kind !== of || operation.outcome === 'unsent') continue;
    if (spanAt(figures.spans, operation.intendedAt) === during) errors.add(operation);
  }
  return [
    ...windows
      .toSorted((a, b) => b.durationMs - a.durationMs)
      .slice(0, MAX_WINDOWS)
      .map((window) => describeWindow(window, word)),
    ...errors
      .groups()
      .slice(0, MAX_ERRORS)
      .map(({ count, outcome, code, text }) => `${count} × ${outcome}, ${code}: ${text}`),
  ];
}

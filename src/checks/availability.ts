/** What share of the intended operations of a kind succeeded before their deadline. */

import { z } from 'zod';
import { figuresOf } from '../measure/figures.ts';
import { describeWindow } from '../measure/windows.ts';
import { type Figures, SPANS } from '../model/figures.ts';
import { share } from '../model/quantities.ts';
import { formatShare } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({
  of: z.string().describe('A kind of operation of the workload, such as read.'),
  during: z.enum(SPANS).default('fault').describe('The part of the run in which the operations were to start.'),
  min: share.describe('Of the intended operations, how many must succeed.'),
});

type Params = z.output<typeof params>;

const MAX_ERRORS = 3;
const MAX_WINDOWS = 5;

export const availability = defineCheck<Params>({
  name: 'availability',
  summary: 'What share of the intended operations succeeded before their deadline.',
  params,
  needsKeptSchedule: true,

  validate({ of }, { kinds }) {
    if (kinds.includes(of)) return [];
    return [{ path: ['of'], message: `there is no kind of operation ${JSON.stringify(of)}`, known: kinds }];
  },

  check(history, { of, during, min }) {
    const figures = figuresOf(history);
    const expected = `at least ${formatShare(min)} of ${of} operations ok in the ${during} span`;
    const found = figures.availability.find(({ kind, span }) => kind === of && span === during)?.figures;
    if (!found || found.share === null) {
      const unsent = found?.unsent ? `; ${found.unsent} could not be sent by the client` : '';
      return {
        judgement: 'unknown',
        expected,
        observed: `no ${of} was intended in the ${during} span${unsent}`,
        evidence: [],
      };
    }
    const { ok, intended, unsent } = found;
    return {
      judgement: found.share >= min ? 'pass' : 'fail',
      expected,
      observed:
        `${formatShare(found.share)}: ${ok} of ${intended} ok` +
        (unsent > 0 ? `, ${unsent} more not sent by the client` : ''),
      evidence: ok < intended ? describeFailures(figures, of, during) : [],
    };
  },
});

function describeFailures(figures: Figures, of: string, during: Params['during']): string[] {
  const span = figures.spans[during];
  if (!span) return [];
  const windows = figures.windows.filter(
    ({ kind, shard, fromMs, toMs }) => kind === of && shard === undefined && fromMs <= span.toMs && toMs >= span.fromMs,
  );
  const errors = figures.errors.filter(
    ({ kind, outcome, firstAtMs, lastAtMs }) =>
      kind === of && outcome !== 'unsent' && firstAtMs <= span.toMs && lastAtMs >= span.fromMs,
  );
  return [
    ...windows.slice(0, MAX_WINDOWS).map(describeWindow),
    ...errors.slice(0, MAX_ERRORS).map(({ count, outcome, code, text }) => `${count} × ${outcome}, ${code}: ${text}`),
  ];
}

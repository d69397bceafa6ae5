import { defineCheck, defineConfig, positiveDuration, z } from 'pgquake';

/** Your own check: limits the time between two successful answers, however long a fault lasts. */
const longestSilence = defineCheck({
  name: 'longest-silence',
  summary: 'Limits the time between two successes of a kind of operation.',
  params: z.strictObject({
    of: z.string().describe('A kind of operation of the workload.'),
    max: positiveDuration.describe('The longest time allowed.'),
  }),
  needsKeptSchedule: 'operations',

  validate({ of }, { kinds }) {
    return kinds.includes(of) ? [] : [{ path: ['of'], message: `there is no operation "${of}"`, known: kinds }];
  },

  check(history, { of, max }) {
    const expected = `a success of ${of} at least every ${max} ms`;
    const at = [...history.operations].flatMap(({ kind, outcome, settledAt }) =>
      kind === of && outcome === 'ok' ? [settledAt] : [],
    );
    at.sort((a, b) => a - b);
    if (at.length < 2) return { judgement: 'unknown', expected, observed: 'fewer than two successes', evidence: [] };
    const longestMs = Math.max(...at.slice(1).map((moment, i) => moment - (at[i] as number)));
    const judgement = longestMs <= max ? 'pass' : 'fail';
    return { judgement, expected, observed: `the longest silence was ${longestMs.toFixed(0)} ms`, evidence: [] };
  },
});

export default defineConfig({ checks: [longestSilence] });

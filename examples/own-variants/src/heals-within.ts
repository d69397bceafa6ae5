/** A check: every fault is undone, and seen to be undone, within a limit. */

import { defineCheck, eventsOf, positiveDuration, z } from 'pgquake';

export const healsWithin = defineCheck({
  name: 'heals-within',
  summary: 'From the moment a fault is to be undone until it is seen to be undone, at most a limit passes.',
  params: z.strictObject({
    limit: positiveDuration.prefault('5s').describe('The most that healing one fault may take.'),
  }),

  check(history, { limit }) {
    const expected = `every fault healed within ${limit} ms`;
    const healed = new Map(eventsOf(history, 'healed').map(({ act, at }) => [act, at]));
    const asked = eventsOf(history, 'heal-asked');
    const evidence = asked.map(({ act, at }) => `act ${act}: ${((healed.get(act) ?? Infinity) - at).toFixed(0)} ms`);
    if (asked.length === 0) return { judgement: 'unknown', expected, observed: 'no fault was to be healed', evidence };
    const slowestMs = Math.max(...asked.map(({ act, at }) => (healed.get(act) ?? Infinity) - at));
    const judgement = slowestMs <= limit ? 'pass' : 'fail';
    return { judgement, expected, observed: `the slowest took ${slowestMs.toFixed(0)} ms`, evidence };
  },
});

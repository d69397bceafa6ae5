/** A check: every fault is undone, and verified as undone, within a limit. */

import { defineCheck, eventsOf, positiveDuration, z } from 'pgquake';

export const healsWithin = defineCheck({
  name: 'heals-within',
  summary: 'Limits the time from the request to undo a fault until it is verified as undone.',
  unknownWhen: 'no fault was to be healed, or one was not verified as healed.',
  params: z.strictObject({
    limit: positiveDuration.prefault('5s').describe('The longest time allowed to heal one fault.'),
  }),

  check(history, { limit }) {
    const expected = `every fault healed within ${limit} ms`;
    const healed = new Map(eventsOf(history, 'healed').map(({ act, at }) => [act, at]));
    const asked = eventsOf(history, 'heal-asked');
    const unknown = (observed: string) => ({ judgement: 'unknown' as const, expected, observed, evidence: [] });
    if (asked.length === 0) return unknown('no fault was to be healed');
    const unseen = asked.find(({ act }) => !healed.has(act));
    if (unseen) return unknown(`act ${unseen.act} was not verified as undone`);
    const took = asked.map(({ act, at }) => ({ act, ms: (healed.get(act) as number) - at }));
    const evidence = took.map(({ act, ms }) => `act ${act}: ${ms.toFixed(0)} ms`);
    const slowestMs = Math.max(...took.map(({ ms }) => ms));
    const judgement = slowestMs <= limit ? 'pass' : 'fail';
    return { judgement, expected, observed: `the slowest took ${slowestMs.toFixed(0)} ms`, evidence };
  },
});

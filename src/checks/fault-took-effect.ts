/** A run whose fault never came has tested nothing, however green it looks. */

import { z } from 'zod';
import { eventsOf } from '../model/history.ts';
import { formatCount } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

export const faultTookEffect = defineCheck<z.output<typeof params>>({
  name: 'fault-took-effect',
  summary: 'Every planned fault was seen to take effect; otherwise nothing was tested.',
  params,
  always: true,

  check(history) {
    const { plannedActs } = history.run;
    if (plannedActs === 0) {
      return { judgement: 'pass', expected: 'no fault', observed: 'no fault was planned', evidence: [] };
    }
    const expected = `${formatCount(plannedActs, 'planned fault')} in effect, with proof`;
    const asked = new Map(eventsOf(history, 'fault-asked').map((event) => [event.act, event]));
    const proofs = new Map(eventsOf(history, 'fault-in-effect').map((event) => [event.act, event.proof]));
    const failures = new Map(eventsOf(history, 'fault-failed').map((event) => [event.act, event.error]));
    const name = (act: number) => {
      const event = asked.get(act);
      return event ? `${event.fault} on ${event.targets.join(', ')}` : `fault ${act + 1} of the plan`;
    };
    const missing: string[] = [];
    const evidence: string[] = [];
    for (let act = 0; act < plannedActs; act++) {
      const proof = proofs.get(act);
      if (proof === undefined) {
        missing.push(name(act));
        evidence.push(
          `${name(act)}: ${failures.get(act) ?? (asked.has(act) ? 'no proof that it took effect' : 'was never asked for')}`,
        );
      } else evidence.push(`${name(act)}: ${proof}`);
    }
    if (missing.length === 0) {
      return { judgement: 'pass', expected, observed: `${proofs.size} of ${plannedActs} in effect`, evidence };
    }
    const what = missing.length === plannedActs ? 'nothing was tested' : 'not all was tested';
    return { judgement: 'unknown', expected, observed: `${what}: ${missing.join('; ')} did not take effect`, evidence };
  },
});

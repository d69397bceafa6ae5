/** Every fault was undone, with proof, on its nodes and between them. A fault without proof may still be in effect. */

import { z } from 'zod';
import { describeForeign, foreignActs } from '../measure/foreign-acts.ts';
import { MAX_WITNESSES } from '../measure/witnesses.ts';
import { eventsOf } from '../model/history.ts';
import { formatCount } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

export const healed = defineCheck<z.output<typeof params>>({
  name: 'healed',
  summary: 'Every fault was undone, its nodes work again, replication caught up, and no transaction stayed prepared.',
  unknownWhen:
    'a fault was not healed or could not be checked; the evidence says what to do. Also if a node stopped, froze, restarted or fell silent without an act of the run; then `fault-took-effect` and every failed check are `unknown` too. A freeze shorter than a second is not seen.',
  answers: 'healing',
  params,
  always: true,

  check(history) {
    const foreign = foreignActs(history.events).map(describeForeign);
    const asked = eventsOf(history, 'fault-asked');
    if (asked.length === 0 && history.run.plannedActs > 0) {
      const expected = 'every fault undone';
      return {
        judgement: 'unknown',
        expected,
        observed: 'faults were planned, but none was requested',
        evidence: [],
      };
    }
    if (asked.length === 0 && foreign.length === 0) {
      return { judgement: 'pass', expected: 'nothing to heal', observed: 'no fault was requested', evidence: [] };
    }
    const expected = 'faults undone, nodes working, replication caught up, no transaction prepared';
    const proofs = new Map(eventsOf(history, 'healed').map((event) => [event.act, event.proof]));
    const failures = new Map(eventsOf(history, 'heal-failed').map((event) => [event.act, event.error]));
    const healAsked = new Set(eventsOf(history, 'heal-asked').map((event) => event.act));
    const neverBegun = new Set(eventsOf(history, 'fault-failed').map((event) => event.act));
    const broken: string[] = [];
    const evidence: string[] = [];
    for (const { act, fault, targets } of asked) {
      const name = `${fault} on ${targets.join(', ')}`;
      const proof = proofs.get(act);
      if (proof !== undefined && !failures.has(act)) evidence.push(`${name}: ${proof}`);
      // It failed before it did anything, so there was nothing to undo.
      else if (neverBegun.has(act) && !healAsked.has(act)) evidence.push(`${name}: did not begin, nothing to undo`);
      else {
        broken.push(name);
        evidence.push(`${name}: ${failures.get(act) ?? 'nothing shows that it was undone'}`);
      }
    }
    for (const { left, advice } of eventsOf(history, 'healing-verified')) {
      if (left.length === 0) {
        evidence.push('all nodes: replication has caught up, no prepared transaction is left');
        continue;
      }
      broken.push(
        `the cluster has not recovered (${left[0]}${left.length > 1 ? `, and ${left.length - 1} more` : ''})`,
      );
      evidence.push(...left.slice(0, MAX_WITNESSES), ...(advice === undefined ? [] : [`what to do: ${advice}`]));
    }
    evidence.push(...foreign);
    if (broken.length === 0 && foreign.length > 0) {
      const observed = [...(asked.length > 0 ? ['what pgquake broke is healed'] : []), ...foreign].join('; ');
      return { judgement: 'unknown', expected, observed, evidence };
    }
    if (broken.length === 0) {
      return { judgement: 'pass', expected, observed: `${formatCount(asked.length, 'fault')} healed`, evidence };
    }
    return { judgement: 'unknown', expected, observed: `NOT HEALED: ${broken.join('; ')}`, evidence };
  },
});

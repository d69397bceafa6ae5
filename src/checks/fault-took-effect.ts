/** A run whose fault never took effect has tested nothing. */

import { z } from 'zod';
import { describeForeign, foreignActs } from '../measure/foreign-acts.ts';
import { refutingAnswers } from '../measure/refuting-answers.ts';
import type { EventOf } from '../model/event.ts';
import type { History } from '../model/history.ts';
import { formatCount } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

type ActEvent = 'fault-asked' | 'fault-in-effect' | 'fault-failed' | 'fault-met' | 'fault-met-failed';

export const faultTookEffect = defineCheck<z.output<typeof params>>({
  name: 'fault-took-effect',
  summary: 'Every planned fault was seen to take effect; otherwise nothing was tested.',
  unknownWhen:
    'a fault was not proven, was never requested, met no traffic, or is refuted by answers from nodes that should be down. Then [nothing else can fail](outcomes.md#what-a-verdict-means).',
  params,
  always: true,
  voids: 'not every planned fault took effect',

  check(history) {
    const { plannedActs } = history.run;
    if (plannedActs === 0) {
      return { judgement: 'pass', expected: 'no fault', observed: 'no fault was planned', evidence: [] };
    }
    const expected = `${formatCount(plannedActs, 'planned fault')} in effect, with proof`;
    const refuting = refutingAnswers(history);
    const acts = Array.from({ length: plannedActs }, (_, act) => refuted(lookAt(history, act), refuting.get(act)));
    const evidence = acts.flatMap(({ name, words }) => words.map((line) => `${name}: ${line}`));
    const missing = acts.filter(({ inEffect }) => !inEffect).map(({ name }) => name);
    const foreign = foreignActs(history.events).map(describeForeign);
    if (missing.length === 0 && foreign.length > 0) {
      const observed = `${plannedActs} of ${plannedActs} in effect, but pgquake was not the only cause: ${foreign.join('; ')}`;
      return { judgement: 'unknown', expected, observed, evidence: [...evidence, ...foreign] };
    }
    if (missing.length === 0) {
      return { judgement: 'pass', expected, observed: `${plannedActs} of ${plannedActs} in effect`, evidence };
    }
    const what = missing.length === plannedActs ? 'nothing was tested' : 'not everything was tested';
    return { judgement: 'unknown', expected, observed: `${what}: ${missing.join('; ')} did not take effect`, evidence };
  },
});

interface Act {
  /** `node-kill on worker1`. */
  readonly name: string;
  readonly inEffect: boolean;
  readonly words: readonly string[];
}

/**
 * Revokes the proof if the load contradicts it. @param answered how many operations had an answer that the act makes
 * impossible.
 */
function refuted(act: Act, answered: number | undefined): Act {
  if (answered === undefined || !act.inEffect) return act;
  const words = `but the load had ${formatCount(answered, 'answer')} from nodes that were down or frozen`;
  return { ...act, inEffect: false, words: [...act.words, words] };
}

function lookAt(history: History, act: number): Act {
  const find = <T extends ActEvent>(type: T) =>
    history.events.find((event): event is EventOf<T> => event.type === type && 'act' in event && event.act === act);
  const asked = find('fault-asked');
  const name = asked ? `${asked.fault} on ${asked.targets.join(', ')}` : `fault ${act + 1} of the plan`;
  const proof = find('fault-in-effect')?.proof;
  if (proof === undefined) {
    const why = find('fault-failed')?.error ?? (asked ? 'no proof that it took effect' : 'was never requested');
    return { name, inEffect: false, words: [why] };
  }
  // A fault that failed after its proof was not in effect to the end.
  const failed = find('fault-failed')?.error;
  if (failed !== undefined) return { name, inEffect: false, words: [proof, `failed later: ${failed}`] };
  const notSeen = find('fault-met-failed')?.error;
  if (notSeen !== undefined) {
    return { name, inEffect: false, words: [proof, `pgquake could not count what it met: ${notSeen}`] };
  }
  const met = find('fault-met');
  if (!met) return { name, inEffect: true, words: [proof] };
  const counts = Object.entries(met.counts);
  const each = counts.map(([node, count]) => `${count} ${met.of} on ${node}`).join(', ');
  const inEffect = counts.every(([, count]) => count > 0);
  return {
    name,
    inEffect,
    words: [proof, `it met ${each}${inEffect ? '' : ': a fault that meets nothing does no harm'}`],
  };
}

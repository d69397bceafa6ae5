/** RTO: how long a kind of operation took to recover from the fault in effect. */

import { z } from 'zod';
import { figuresOf } from '../measure/figures.ts';
import { wordOf } from '../measure/partitions.ts';
import { disagreementWords } from '../measure/sources.ts';
import { actsOf } from '../measure/spans.ts';
import { describeWindow } from '../measure/windows.ts';
import { manyOf } from '../model/kind-words.ts';
import { duration } from '../model/quantities.ts';
import { formatDuration } from '../model/units.ts';
import { defineCheck, unknownKind } from './check.ts';

const params = z.strictObject({
  of: z.string().describe('A kind of operation of the workload, such as write.'),
  max: duration.describe('The longest that it may take.'),
});

export const recoveryTime = defineCheck<z.output<typeof params>>({
  name: 'recovery-time',
  summary: 'How long a kind of operation took, from the fault in effect, until it was back to normal (RTO).',
  unknownWhen:
    'no fault took effect; nothing succeeded in the steady state or was intended afterwards; or the load stopped earlier than `max` after the fault, with service still disturbed.',
  answers: 'outage',
  params,
  needsKeptSchedule: 'operations',

  validate: ({ of }, facts) => unknownKind(of, facts),

  check(history, { of, max }) {
    const expected = `${manyOf(of)} are normal within ${formatDuration(max)} of the fault taking effect`;
    const firstEffectMs = actsOf(history).find((act) => act.effectMs !== undefined)?.effectMs;
    if (firstEffectMs === undefined) {
      return { judgement: 'unknown', expected, observed: 'no fault took effect', evidence: [] };
    }
    const figures = figuresOf(history);
    const recovery = figures.recovery.find(({ kind }) => kind === of);
    if (!recovery) {
      return { judgement: 'unknown', expected, observed: `no ${of} was intended after the fault`, evidence: [] };
    }
    const before = figures.availability.find(({ kind, span }) => kind === of && span === 'steady-state')?.figures;
    if (!before?.ok) {
      const observed = `no ${of} succeeded in the steady state: nothing to compare with`;
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const word = wordOf(history);
    const evidence = [
      ...figures.windows
        .filter(({ kind, partition, toMs }) => kind === of && partition === undefined && toMs >= firstEffectMs)
        .map((window) => describeWindow(window, word)),
      ...disagreementWords(figures, of),
    ];
    const { recoveryMs, uncertaintyMs } = recovery;
    if (recoveryMs === null) {
      const watchedMs = Math.max(0, (figures.spans.settle ?? figures.spans.fault)?.toMs ?? 0) - firstEffectMs;
      return {
        // A run that ended before the limit does not show that the limit would have been missed.
        judgement: watchedMs >= max ? 'fail' : 'unknown',
        expected,
        observed: `not back to normal when the load stopped, ${formatDuration(watchedMs)} after the fault took effect`,
        evidence,
      };
    }
    return {
      judgement: recoveryMs <= max ? 'pass' : 'fail',
      expected,
      observed: recoveryMs === 0 ? '0 s' : `${formatDuration(recoveryMs)} ± ${formatDuration(uncertaintyMs)}`,
      evidence,
    };
  },
});

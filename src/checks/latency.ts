/** Latency at a percentile. */

import { z } from 'zod';
import { figuresOf } from '../measure/figures.ts';
import { type Latency, SPANS } from '../model/figures.ts';
import { positiveDuration } from '../model/quantities.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import { defineCheck, unknownKind } from './check.ts';

/** Each with the share of answers that may be slower. */
const PERCENTILES = {
  p50: { slower: 0.5, of: (latency: Latency) => latency.p50Ms },
  p90: { slower: 0.1, of: (latency: Latency) => latency.p90Ms },
  p99: { slower: 0.01, of: (latency: Latency) => latency.p99Ms },
  'p99.9': { slower: 0.001, of: (latency: Latency) => latency.p999Ms },
  'p99.99': { slower: 0.0001, of: (latency: Latency) => latency.p9999Ms ?? latency.maxMs },
  max: { slower: 0, of: (latency: Latency) => latency.maxMs },
} as const;

/** With fewer answers, the answers do not represent the service. */
const MIN_ANSWERED_SHARE = 0.5;

const params = z.strictObject({
  of: z.string().describe('A kind of operation of the workload, such as read.'),
  during: z.enum(SPANS).default('fault').describe('The span in which the operations were due.'),
  percentile: z
    .enum(Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[])
    .default('p99')
    .describe('p50, p90, p99, p99.9, p99.99 or max.'),
  max: positiveDuration.describe('The highest latency allowed, from the intended start.'),
});

export const latency = defineCheck<z.output<typeof params>>({
  name: 'latency',
  summary: 'How long the answers of a kind of operation took, at a percentile up to p99.99.',
  unknownWhen:
    'nothing was answered; too few answers for the percentile (p99.9 takes 1,000, p99.99 takes 10,000) and none refutes it; or fewer than half of the operations were answered.',
  params,
  needsKeptSchedule: 'operations',

  validate: ({ of }, facts) => unknownKind(of, facts),

  check(history, { of, during, percentile, max }) {
    const figures = figuresOf(history);
    const expected = `${percentile} of ${of} at most ${formatDuration(max)} in the ${during} span`;
    const found = figures.latency.find(({ kind, span }) => kind === of && span === during)?.figures;
    const failed = figures.availability.find(({ kind, span }) => kind === of && span === during)?.figures;
    const evidence =
      failed && failed.ok < failed.intended
        ? [`${failed.intended - failed.ok} of ${failed.intended} had no answer in time and do not count here`]
        : [];
    if (!found) {
      return { judgement: 'unknown', expected, observed: `no ${of} was answered in the ${during} span`, evidence };
    }
    const { slower, of: at } = PERCENTILES[percentile];
    const answers = formatCount(found.count, 'answer');
    const observed = `${percentile} ${formatDuration(at(found))} of ${answers}`;
    if (at(found) > max) return { judgement: 'fail', expected, observed, evidence };
    if (failed && found.count < failed.intended * MIN_ANSWERED_SHARE) {
      const few = `${observed}, but most of ${formatCount(failed.intended, of)} had no answer`;
      return { judgement: 'unknown', expected, observed: few, evidence };
    }
    const needed = slower === 0 ? 1 : Math.round(1 / slower);
    if (found.count < needed) {
      return {
        judgement: 'unknown',
        expected,
        observed: `${observed}, too few: it takes ${needed}`,
        evidence,
      };
    }
    return { judgement: 'pass', expected, observed, evidence };
  },
});

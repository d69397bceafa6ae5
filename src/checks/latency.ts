/** Latency at a percentile. */

import { z } from 'zod';
import { figuresOf } from '../measure/figures.ts';
import { type Latency, SPANS } from '../model/figures.ts';
import { positiveDuration } from '../model/quantities.ts';
import { formatCount, formatDuration } from '../model/units.ts';
import type { Judgement } from '../model/verdict.ts';
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
  // Answers that are missing move every other percentile.
  provenByPart: (_, { percentile }) => percentile === 'max',

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
    const finding = (judgement: Judgement, observed: string) => ({ judgement, expected, observed, evidence });
    if (!found) return finding('unknown', `no ${of} was answered in the ${during} span`);
    const { slower, of: at } = PERCENTILES[percentile];
    const observed = `${percentile} ${formatDuration(at(found))} of ${formatCount(found.count, 'answer')}`;
    if (at(found) > max) return finding('fail', observed);
    if (failed && found.count < failed.intended * MIN_ANSWERED_SHARE) {
      return finding('unknown', `${observed}, but most of ${formatCount(failed.intended, of)} had no answer`);
    }
    const needed = slower === 0 ? 1 : Math.round(1 / slower);
    if (found.count < needed) return finding('unknown', `${observed}, too few: it takes ${needed}`);
    return finding('pass', observed);
  },
});

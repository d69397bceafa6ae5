/** What a starved machine does to servers and load must not be taken for the cluster's doing. */

import { z } from 'zod';
import { hostFigures } from '../measure/host.ts';
import { spansOf } from '../measure/spans.ts';
import { formatCount, formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

/** A single busy second is no starved machine: servers that start together make one. */
const MIN_STARVED_MS = 2_000;
const MAX_STARVED_SHARE = 0.1;
/** A machine that was starved may miss its own samples. */
const MIN_SAMPLED_SHARE = 0.2;
const MAX_EVIDENCE = 8;

export const hostKeptUp = defineCheck<z.output<typeof params>>({
  name: 'host-kept-up',
  summary: 'The machine that pgquake runs on had processors to spare; otherwise what failed proves nothing.',
  params,
  always: ({ run }) => run.machine !== undefined,
  excuses: 'the machine was starved, or was not watched',

  check(history) {
    const expected =
      `at most ${formatShare(MAX_STARVED_SHARE)} of the time, or ${formatDuration(MIN_STARVED_MS)}, with processors ` +
      'busy and two tasks or more for each of them, or a tenth of their time stolen';
    const host = hostFigures(history);
    if (!host) {
      return { judgement: 'unknown', expected, observed: 'no sample of the machine was recorded', evidence: [] };
    }
    const { processors, sampledMs, starvedMs, samples } = host;
    const loadMs = Object.values(spansOf(history)).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
    if (sampledMs < MIN_SAMPLED_SHARE * loadMs) {
      const observed = `only ${formatDuration(sampledMs)} of ${formatDuration(loadMs)} of load were sampled`;
      return { judgement: 'unknown', expected, observed, evidence: [] };
    }
    const mean = (of: (sample: (typeof samples)[number]) => number) =>
      samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
    const figures =
      `${formatCount(processors, 'processor')} ${formatShare(mean(({ busy }) => busy))} busy, ` +
      `${mean(({ runnable = 0 }) => runnable).toFixed(1)} tasks running or waiting, ` +
      `${formatShare(mean(({ stolen }) => stolen))} stolen, on average`;
    const starved = starvedMs >= MIN_STARVED_MS && starvedMs > MAX_STARVED_SHARE * sampledMs;
    if (!starved) return { judgement: 'pass', expected, observed: figures, evidence: [] };
    return {
      judgement: 'unknown',
      expected,
      observed: `starved for ${formatDuration(starvedMs)} of ${formatDuration(sampledMs)}: ${figures}`,
      evidence: samples
        .flatMap(({ fromMs, starved: why }) => (why === undefined ? [] : [`from ${formatMoment(fromMs)}: ${why}`]))
        .slice(0, MAX_EVIDENCE),
    };
  },
});

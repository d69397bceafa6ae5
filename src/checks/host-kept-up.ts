/** What a starved machine does to servers and load must not be taken for the cluster's doing. */

import { z } from 'zod';
import { hostFigures, loadRange, unsampledMs } from '../measure/host.ts';
import { formatCount, formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

/** A single busy second is no starved machine: servers that start together make one. */
const MIN_STARVED_MS = 2_000;
const MAX_STARVED_SHARE = 0.1;
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
    const range = loadRange(history) ?? { fromMs: 0, toMs: 0 };
    const loadMs = range.toMs - range.fromMs;
    const tooMuch = (ms: number) => ms >= MIN_STARVED_MS && ms > MAX_STARVED_SHARE * loadMs;
    const mean = (of: (sample: (typeof samples)[number]) => number) =>
      samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
    const figures =
      `${formatCount(processors, 'processor')} ${formatShare(mean(({ busy }) => busy))} busy, ` +
      `${mean(({ runnable = 0 }) => runnable).toFixed(1)} tasks running or waiting, ` +
      `${formatShare(mean(({ stolen }) => stolen))} stolen, on average`;
    if (!tooMuch(starvedMs)) {
      // In what was not sampled the machine may have been starved all the time.
      const unseenMs = unsampledMs(host, range);
      if (!tooMuch(starvedMs + unseenMs)) return { judgement: 'pass', expected, observed: figures, evidence: [] };
      const observed = `only ${formatDuration(loadMs - unseenMs)} of ${formatDuration(loadMs)} of load were sampled`;
      return { judgement: 'unknown', expected, observed, evidence: [figures] };
    }
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

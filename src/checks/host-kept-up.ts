/** Effects of a starved machine must not count against the cluster. */

import { z } from 'zod';
import { doubtfulRanges, hostFigures, loadRange, unsampledRanges } from '../measure/host.ts';
import type { HostFigures } from '../model/figures.ts';
import { formatCount, formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

/** One busy second is not starvation: servers that start together cause it. */
const MIN_STARVED_MS = 2_000;
/** From this share on, failures in the starved time are excused. */
const EXCUSING_SHARE = 0.1;
/** From this share on, nothing is judged: the machine caused most of what the run saw. */
const MAX_STARVED_SHARE = 0.5;
const MAX_EVIDENCE = 8;

export const hostKeptUp = defineCheck<z.output<typeof params>>({
  name: 'host-kept-up',
  summary: 'The machine that pgquake runs on had CPU time to spare; otherwise failures prove nothing.',
  unknownWhen:
    "2 s and half of the load's time or more were starved or not sampled. The failures listed under [load-kept-its-schedule](#load-kept-its-schedule) then become `unknown`. From 2 s and a tenth of the time, pgquake judges them again without those seconds.",
  params,
  always: ({ run }) => run.machine !== undefined,
  excuses: 'the machine was starved, or was not watched',

  check(history) {
    const expected =
      `the machine starved for under ${formatDuration(MIN_STARVED_MS)} or under ${formatShare(MAX_STARVED_SHARE)} of the ` +
      "load's time (starved: two tasks per processor, or a tenth of CPU time stolen)";
    const host = hostFigures(history);
    if (!host) {
      return { judgement: 'unknown', expected, observed: 'no sample of the machine was recorded', evidence: [] };
    }
    const { sampledMs, starvedMs, samples } = host;
    const range = loadRange(history) ?? { fromMs: 0, toMs: 0 };
    const loadMs = range.toMs - range.fromMs;
    // The machine may have been starved whenever it was not sampled.
    const unseenMs = unsampledRanges(host, range).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
    const atMostMs = starvedMs + unseenMs;
    const reaches = (share: number) => atMostMs >= MIN_STARVED_MS && atMostMs >= share * loadMs;
    const figures = meanFigures(host);
    if (!reaches(EXCUSING_SHARE)) return { judgement: 'pass', expected, observed: figures, evidence: [] };
    const starved = starvedMs > 0 ? [`starved for ${formatDuration(starvedMs)} of ${formatDuration(sampledMs)}`] : [];
    const unseen =
      unseenMs >= MIN_STARVED_MS
        ? [`only ${formatDuration(loadMs - unseenMs)} of ${formatDuration(loadMs)} of load were sampled`]
        : [];
    return {
      ...(reaches(MAX_STARVED_SHARE)
        ? { judgement: 'unknown' }
        : { judgement: 'pass', excuses: doubtfulRanges(host, range) }),
      expected,
      observed: `${[...starved, ...unseen].join(', ')}: ${figures}`,
      evidence: samples
        .flatMap(({ fromMs, starved: why }) => (why === undefined ? [] : [`from ${formatMoment(fromMs)}: ${why}`]))
        .slice(0, MAX_EVIDENCE),
    };
  },
});

function meanFigures({ processors, samples }: HostFigures): string {
  const mean = (of: (sample: HostFigures['samples'][number]) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  return (
    `${formatCount(processors, 'processor')} ${Math.round(100 * mean(({ busy }) => busy))} % busy, ` +
    `${mean(({ runnable = 0 }) => runnable).toFixed(1)} tasks running or waiting, ` +
    `${formatShare(mean(({ stolen }) => stolen))} stolen, on average`
  );
}

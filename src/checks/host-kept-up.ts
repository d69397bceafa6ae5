/** What a starved machine does to servers and load must not be taken for the cluster's doing. */

import { z } from 'zod';
import { doubtfulRanges, hostFigures, loadRange, unsampledRanges } from '../measure/host.ts';
import type { HostFigures } from '../model/figures.ts';
import { formatCount, formatDuration, formatMoment, formatShare } from '../model/units.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({});

/** A single busy second is no starved machine: servers that start together make one. */
const MIN_STARVED_MS = 2_000;
/** From here on what failed is excused: it may have failed for want of time. */
const EXCUSING_SHARE = 0.1;
/** From here on nothing is judged: most of what the run saw was the machine's doing. */
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
      `less than ${formatShare(MAX_STARVED_SHARE)} of the time, or ${formatDuration(MIN_STARVED_MS)}, with processors ` +
      'busy and two tasks or more for each of them, or a tenth of their time stolen';
    const host = hostFigures(history);
    if (!host) {
      return { judgement: 'unknown', expected, observed: 'no sample of the machine was recorded', evidence: [] };
    }
    const { sampledMs, starvedMs, samples } = host;
    const range = loadRange(history) ?? { fromMs: 0, toMs: 0 };
    const loadMs = range.toMs - range.fromMs;
    // In what was not sampled the machine may have been starved all the time.
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
    `${formatCount(processors, 'processor')} ${formatShare(mean(({ busy }) => busy))} busy, ` +
    `${mean(({ runnable = 0 }) => runnable).toFixed(1)} tasks running or waiting, ` +
    `${formatShare(mean(({ stolen }) => stolen))} stolen, on average`
  );
}

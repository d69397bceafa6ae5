/** `--times`: how often a scenario passed, and what that says about its pass rate. */

import { shareInterval } from '../model/share-interval.ts';
import { formatCount } from '../model/units.ts';
import type { Judgement } from '../model/verdict.ts';
import { wholeNumber } from '../model/whole-number.ts';

/** More runs are a job for a script. */
const MAX_TIMES = 1_000;

/** @throws InputError if it is not a whole number in range. */
export function timesOf(times: number): number {
  return wholeNumber('--times', times, 1, MAX_TIMES);
}

/** One line. Runs that could not be judged do not count towards the share. */
export function timesLine(scenario: string, judgements: readonly Judgement[]): string {
  const count = (wanted: Judgement) => judgements.filter((judgement) => judgement === wanted).length;
  const [passed, failed, unknown] = [count('pass'), count('fail'), count('unknown')];
  const judged = passed + failed;
  const told = `${scenario}: ${formatCount(judgements.length, 'run')}, ${passed} passed, ${failed} failed, ${unknown} could not be judged`;
  if (judged === 0) return told;
  const { low, high } = shareInterval(passed, judged);
  return `${told}; it passes ${percent(passed / judged)} of the time (95 % interval ${percent(low)} to ${percent(high)})`;
}

/** At most 1,000 runs justify no decimals. */
const percent = (share: number) => `${Math.round(share * 100)} %`;

/** A scenario that is run several times: how often it passed, and what that says of the next time. */

import { InputError } from '../model/errors.ts';
import { shareInterval } from '../model/share-interval.ts';
import { formatCount } from '../model/units.ts';
import type { Judgement } from '../model/verdict.ts';

/** More is a job for a script. */
const MAX_TIMES = 1_000;

/** @throws InputError where it is no number of runs. */
export function timesOf(times: number): number {
  if (Number.isInteger(times) && times >= 1 && times <= MAX_TIMES) return times;
  throw new InputError(`--times: expected a whole number from 1 to ${MAX_TIMES}, found ${times}`, { code: 'usage' });
}

/** In one line. Runs that could not be judged count neither way. */
export function timesLine(scenario: string, judgements: readonly Judgement[]): string {
  const count = (wanted: Judgement) => judgements.filter((judgement) => judgement === wanted).length;
  const [passed, failed, unknown] = [count('pass'), count('fail'), count('unknown')];
  const judged = passed + failed;
  const told = `${scenario}: ${formatCount(judgements.length, 'run')}, ${passed} passed, ${failed} failed, ${unknown} could not be judged`;
  if (judged === 0) return told;
  const { low, high } = shareInterval(passed, judged);
  return `${told}; it passes ${percent(passed / judged)} of the time (95 % interval ${percent(low)} to ${percent(high)})`;
}

/** So few runs carry no more digits. */
const percent = (share: number) => `${Math.round(share * 100)} %`;

/** Runs a scenario again if the machine was too busy to judge it. */

import { relative } from 'node:path';
import type { Check } from './checks/check.ts';
import { excuses } from './judge.ts';
import { HarnessError } from './model/errors.ts';
import type { Attempt } from './model/history.ts';
import type { Report } from './model/report.ts';
import { wholeNumber } from './model/whole-number.ts';
import type { Experiment } from './quake.ts';

/** More retries would hide a machine that is unfit for measuring. */
const MAX_RETRIES = 20;

type Ended = Pick<Experiment, 'report' | 'folder' | 'failure'>;

/**
 * Each attempt has its folder; the last one counts.
 * @param options.retries how many attempts may follow the first, from 0 to 20.
 * @param options.attempt makes one; its number is `undefined` where none may follow.
 * @param options.tell called before each further attempt: which retry it is and why, and where the attempt before is kept.
 * @throws InputError if `retries` is out of range, before any attempt.
 */
export async function withRetries<E extends Ended>({
  retries,
  checks,
  signal,
  attempt,
  tell,
}: {
  readonly retries: number;
  readonly checks: readonly Check[];
  readonly signal: AbortSignal | undefined;
  readonly attempt: (number: Attempt | undefined) => Promise<E>;
  readonly tell: (which: string, why: string) => void;
}): Promise<E> {
  refuseRetries('retries', retries);
  for (let number = 1; ; number++) {
    const ended = await attempt(retries === 0 ? undefined : { number, most: retries + 1 });
    const reasons = reasonsToRetry(ended.report, ended.failure, checks);
    if (reasons.length === 0 || number > retries || signal?.aborted) return ended;
    tell(`${number} of ${retries}`, `${reasons.join(' and ')}; kept in ${relative('.', ended.folder)}`);
  }
}

/** Codes of failures that a busy machine causes. Other failures, such as a missing image, would recur. */
const ENDED_BY_LOAD: ReadonlySet<string> = new Set(['load-not-borne', 'steady-state-unsteady']);

/** @throws InputError if it is not a whole number in range. */
export function refuseRetries(option: string, retries: number): void {
  wholeNumber(option, retries, 0, MAX_RETRIES);
}

/**
 * @param failure why the run did not reach its end, if it did not.
 * @returns why another run may end differently; empty if it would not.
 */
export function reasonsToRetry(
  { judgement, results }: Pick<Report, 'judgement' | 'results'>,
  failure: unknown,
  checks: readonly Check[],
): string[] {
  if (judgement !== 'unknown') return [];
  if (failure !== undefined && !(failure instanceof HarnessError && ENDED_BY_LOAD.has(failure.code))) return [];
  return excuses(results, checks);
}

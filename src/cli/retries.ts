/** Decides whether to run a scenario again because the machine was too busy to judge it. */

import type { Check } from '../checks/check.ts';
import { excuses } from '../judge.ts';
import { HarnessError } from '../model/errors.ts';
import type { Report } from '../model/report.ts';

/** Codes of failures that a busy machine causes. Other failures, such as a missing image, would recur. */
const ENDED_BY_LOAD: ReadonlySet<string> = new Set(['load-not-borne', 'steady-state-unsteady']);

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

/** Whether a scenario is worth another run: the machine was too busy to judge it. */

import type { Check } from '../checks/check.ts';
import { excuses } from '../judge.ts';
import { HarnessError } from '../model/errors.ts';
import type { Report } from '../model/report.ts';

/** What a busy machine ends a run with. Anything else, such as a missing image, is there the next time too. */
const ENDED_BY_LOAD: ReadonlySet<string> = new Set(['load-not-borne', 'steady-state-unsteady']);

/**
 * @param failure what kept the run from its end, if anything did.
 * @returns why a run of the same scenario may end otherwise; empty where it would not.
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

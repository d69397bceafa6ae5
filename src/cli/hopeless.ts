/** Checks that no run of a scenario could judge, in words for who is about to run it all the same. */

import type { Scenario } from '../model/scenario.ts';
import { describeProblem, hopelessChecks } from '../scenario/problems.ts';

/** One line a check, with its place. */
export function hopelessWarnings({ hypothesis }: Pick<Scenario, 'hypothesis'>): string[] {
  return hopelessChecks(hypothesis).map((problem) => `${describeProblem(problem)}; it will be unknown`);
}

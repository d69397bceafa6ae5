/** Warns of checks that no run of the scenario can judge. */

import type { Scenario } from '../model/scenario.ts';
import { describeProblem, hopelessChecks } from '../scenario/problems.ts';

/** @returns one line for each check, with its place. */
export function hopelessWarnings({ hypothesis }: Pick<Scenario, 'hypothesis'>): string[] {
  return hopelessChecks(hypothesis).map((problem) => `${describeProblem(problem)}; it will be unknown`);
}

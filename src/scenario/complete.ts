/** Completes a workload with files that it reads, such as SQL, and reports its problems with their places. */

import { dirname } from 'node:path';
import type { Scenario } from '../model/scenario.ts';
import type { Workload, WorkloadProblem } from '../workloads/workload.ts';
import { formatPath, ScenarioError } from './problems.ts';
import { Source } from './source.ts';

/**
 * Returns the scenario with everything that its workload reads from other files. Harmless twice.
 * @throws ScenarioError with the problems found there.
 */
export async function completed(scenario: Scenario, workloads: readonly Workload[]): Promise<Scenario> {
  const workload = workloads.find(({ name }) => name === scenario.workload.use);
  if (!workload?.complete) return scenario;
  const { params, problems } = await workload.complete(scenario.workload.params, dirname(scenario.file));
  if (problems.length > 0) throw refusal(scenario, problems);
  return { ...scenario, workload: { ...scenario.workload, params } };
}

/** An error with the problems of a workload, each with its place in the scenario. */
export function refusal({ source: text, file }: Scenario, problems: readonly WorkloadProblem[]): ScenarioError {
  const source = new Source(text, file);
  return new ScenarioError(
    problems.map(({ path: below, message }) => {
      const path = ['workload', ...below];
      return { place: source.placeOf(path), path: formatPath(path), message };
    }),
  );
}

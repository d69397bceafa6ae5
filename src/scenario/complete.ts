/** What a workload looks at beside its scenario, such as a file of SQL; and its problems, with their places. */

import { dirname } from 'node:path';
import type { Scenario } from '../model/scenario.ts';
import type { Workload, WorkloadProblem } from '../workloads/workload.ts';
import { formatPath, ScenarioError } from './problems.ts';
import { Source } from './source.ts';

/**
 * The scenario, with all that its workload takes from elsewhere. Harmless twice.
 * @throws ScenarioError with what is wrong there.
 */
export async function completed(scenario: Scenario, workloads: readonly Workload[]): Promise<Scenario> {
  const workload = workloads.find(({ name }) => name === scenario.workload.use);
  if (!workload?.complete) return scenario;
  const { params, problems } = await workload.complete(scenario.workload.params, dirname(scenario.file));
  if (problems.length > 0) throw refusal(scenario, problems);
  return { ...scenario, workload: { ...scenario.workload, params } };
}

/** Problems of a workload, each where it stands in the scenario. */
export function refusal({ source: text, file }: Scenario, problems: readonly WorkloadProblem[]): ScenarioError {
  const source = new Source(text, file);
  return new ScenarioError(
    problems.map(({ path: below, message }) => {
      const path = ['workload', ...below];
      return { place: source.placeOf(path), path: formatPath(path), message };
    }),
  );
}

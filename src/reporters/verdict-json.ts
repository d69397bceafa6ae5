/** The verdict as `--output json` prints it, of one run or several. report.json has the details. */

import type { Report } from '../model/report.ts';
import type { Judgement } from '../model/verdict.ts';
import { worst } from '../model/verdict.ts';
import { formatJson } from './json.ts';

/** Breaking changes raise it. */
const VERDICT_VERSION = 1;

/** The result of one scenario. */
export interface JudgedRun {
  readonly report: Report;
  /** The run's folder, as the user would type it. */
  readonly folder: string;
  /** Why the run did not reach its end, if it did not. */
  readonly error?: string;
}

/** A scenario that could not start. */
export interface FailedStart {
  readonly scenario: string;
  readonly error: string;
}

/**
 * @param missing whether an interruption left scenarios out; then the verdict is never a pass.
 * @returns one JSON document that ends with a line break.
 */
export function verdictJson(runs: readonly (JudgedRun | FailedStart)[], missing = false): string {
  const judgements = runs.map((run): Judgement => ('report' in run ? run.report.judgement : 'unknown'));
  return `${formatJson({
    version: VERDICT_VERSION,
    judgement: worst([...judgements, ...(missing || runs.length === 0 ? (['unknown'] as const) : [])]),
    runs: runs.map((run) => ('report' in run ? runOf(run) : { ...run, judgement: 'unknown' })),
  })}\n`;
}

function runOf({ report: { run, judgement, finding, results }, folder, error }: JudgedRun) {
  return {
    scenario: run.scenario,
    claim: run.claim,
    judgement,
    finding,
    error,
    folder,
    seed: run.seed,
    again: run.again,
    results,
  };
}

/** The verdict for programs, as `--output json` prints it: short, of one run or of several. report.json has the rest. */

import type { Report } from '../model/report.ts';
import type { Judgement } from '../model/verdict.ts';
import { worst } from '../model/verdict.ts';
import { formatJson } from './json.ts';

/** Raised when a reader of the old form could not read the new one. */
const VERDICT_VERSION = 1;

/** What became of one scenario. */
export interface JudgedRun {
  readonly report: Report;
  /** The run's folder, as a person would type it. */
  readonly folder: string;
  /** What kept the run from its end, if anything did. */
  readonly error?: string;
}

/** A scenario that could not even begin. */
export interface FailedStart {
  readonly scenario: string;
  readonly error: string;
}

/**
 * @param missing whether scenarios were left out, because the run was interrupted: then it is never a pass.
 * @returns one JSON document, with a line break at its end.
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

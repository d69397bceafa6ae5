/** The summary of several scenarios, run one after the other. `suite.json` is this value, versioned. */

import type { CheckResult, Judgement } from './verdict.ts';

/** Raised by changes that break readers of the old version. */
export const SUITE_VERSION = 1;

export interface SuiteRun {
  readonly scenario: string;
  readonly summary: string;
  readonly claim?: string;
  readonly judgement: Judgement;
  /** One sentence: what was seen, or why nothing was. */
  readonly finding: string;
  /** For each loss, what the cluster's settings promised and what was seen; absent if they promised nothing. */
  readonly promises?: readonly {
    /** `pg1 killed`. */
    readonly loss: string;
    readonly promised: string;
    readonly seen: string;
  }[];
  /** `none of 4,960 acknowledged writes`; absent if the workload does not account for writes. */
  readonly lost?: string;
  /** The scenario's own hypotheses, without the checks that every run makes. */
  readonly hypothesis: readonly Pick<CheckResult, 'check' | 'judgement' | 'expected' | 'observed'>[];
  /** `platform local, engine native, PostgreSQL 18.4`; absent if no cluster was formed. */
  readonly madeOn?: string;
  /** The name of the run's folder, beside the suite's; absent if the run did not start. */
  readonly run?: string;
}

export interface Suite {
  readonly version: typeof SUITE_VERSION;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly pgquakeVersion: string;
  /** The worst of all runs; not `pass` unless all runs were made. */
  readonly judgement: Judgement;
  /** How many scenarios the suite has. */
  readonly planned: number;
  readonly runs: readonly SuiteRun[];
  /** The command line that runs it again. */
  readonly again: string;
}

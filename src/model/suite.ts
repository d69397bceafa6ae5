/** Several scenarios run one after the other, boiled down to one table. `suite.json` is this value, versioned. */

import type { CheckResult, Judgement } from './verdict.ts';

/** Raised when a reader of the old version could not read the new one. */
export const SUITE_VERSION = 1;

/** One scenario of a suite, and what its run found. */
export interface SuiteRun {
  readonly scenario: string;
  readonly summary: string;
  readonly claim?: string;
  readonly judgement: Judgement;
  /** One sentence: what was seen, or why there is nothing to see. */
  readonly finding: string;
  /** For each loss, what the settings of the cluster promised, and what was seen; absent where they promised nothing. */
  readonly promises?: readonly {
    /** `pg1 killed`. */
    readonly loss: string;
    readonly promised: string;
    readonly seen: string;
  }[];
  /** `none of 4,960 acknowledged writes`; absent where nothing accounts for writes. */
  readonly lost?: string;
  /** The scenario's own hypotheses, without those that every run is asked. */
  readonly hypothesis: readonly Pick<CheckResult, 'check' | 'judgement' | 'expected' | 'observed'>[];
  /** `platform local, engine native, PostgreSQL 18.4`; absent where no cluster was formed. */
  readonly madeOn?: string;
  /** Name of the run's folder, beside that of the suite; absent where the run did not begin. */
  readonly run?: string;
}

export interface Suite {
  readonly version: typeof SUITE_VERSION;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly pgquakeVersion: string;
  /** The worst of all runs; never `pass` where not all were made. */
  readonly judgement: Judgement;
  /** How many scenarios the suite has. */
  readonly planned: number;
  readonly runs: readonly SuiteRun[];
  /** The command line that runs it again. */
  readonly again: string;
}

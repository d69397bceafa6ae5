/** Collects the results of a suite's runs, prints them as one table, and stores them as `suite.json` and `suite.md`. */

import { relative } from 'node:path';
import pc from 'picocolors';
import { errorText } from '../model/errors.ts';
import { version } from '../model/package-files.ts';
import type { Report } from '../model/report.ts';
import type { Scenario } from '../model/scenario.ts';
import type { SuiteRun } from '../model/suite.ts';
import { suiteFiles, suiteOf, suiteRunOf, suiteText } from '../reporters/suite.ts';
import type { ScenarioSuite } from '../scenario/load.ts';
import { createSuiteFolder, writeFiles } from '../store.ts';
import type { Output } from './output.ts';

interface SuiteTableOptions {
  /** The folder in which the suite's folder is created, beside those of its runs. */
  readonly reports: string;
  /** The command line that repeats the suite. */
  readonly again: string;
  readonly output: Output;
}

export class SuiteTable {
  readonly #suite: ScenarioSuite;
  readonly #again: string;
  readonly #output: Output;
  readonly #folder: string;
  readonly #startedAt: Date;
  readonly #runs: SuiteRun[] = [];

  private constructor(suite: ScenarioSuite, again: string, output: Output, folder: string, startedAt: Date) {
    this.#suite = suite;
    this.#again = again;
    this.#output = output;
    this.#folder = folder;
    this.#startedAt = startedAt;
  }

  /** @throws EnvironmentError if its folder cannot be created. */
  static async open(suite: ScenarioSuite, { reports, again, output }: SuiteTableOptions): Promise<SuiteTable> {
    const startedAt = new Date();
    return new SuiteTable(suite, again, output, createSuiteFolder(reports, suite.name, startedAt), startedAt);
  }

  /** @param run the name of the run's folder. */
  add(report: Report, run: string): void {
    this.#runs.push(suiteRunOf(report, run));
  }

  /** Adds a scenario that could not start. */
  addFailure({ name, summary, claim }: Scenario, error: unknown): void {
    const said = claim === undefined ? {} : { claim };
    this.#runs.push({
      scenario: name,
      summary,
      ...said,
      judgement: 'unknown',
      finding: `It could not be run: ${errorText(error)}`,
      hypothesis: [],
    });
  }

  /**
   * Prints the table and writes the files.
   * @throws EnvironmentError if they cannot be written.
   */
  async close(): Promise<void> {
    const suite = suiteOf({
      name: this.#suite.name,
      startedAt: this.#startedAt.toISOString(),
      durationMs: Date.now() - this.#startedAt.getTime(),
      pgquakeVersion: version(),
      planned: this.#suite.scenarios.length,
      runs: this.#runs,
      again: this.#again,
    });
    const { columns } = this.#output;
    this.#output.say();
    for (const line of suiteText(suite, { colors: pc, columns })) this.#output.say(line);
    writeFiles(this.#folder, suiteFiles(suite));
    const folder = relative('.', this.#folder);
    this.#output.say(`\n${pc.dim('reports')}  ${folder}/suite.md\n         ${folder}/suite.json`);
  }
}

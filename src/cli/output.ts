/**
 * Where a command writes. `text`: everything to standard output. `json`: the verdict to standard output, once, at the
 * end, and all text to standard error. In GitHub Actions, also annotations and a step summary.
 */

import type { Report } from '../model/report.ts';
import { type FailedStart, type JudgedRun, verdictJson } from '../reporters/verdict-json.ts';
import { type Github, openGithub } from './github.ts';
import type { OutputFormat } from './options.ts';

export class Output {
  readonly #format: OutputFormat;
  readonly #runs: (JudgedRun | FailedStart)[] = [];
  readonly #github: Github | undefined;

  constructor(format: OutputFormat) {
    this.#format = format;
    this.#github = openGithub({ env: process.env, print: (line) => this.say(line) });
  }

  /** The stream for text. */
  get stream(): NodeJS.WriteStream {
    return this.#format === 'json' ? process.stderr : process.stdout;
  }

  /** The terminal's width; 100 without a terminal. */
  get columns(): number {
    return this.stream.columns ?? 100;
  }

  say(line = ''): void {
    if (this.#format === 'json') console.error(line);
    else console.log(line);
  }

  /** @param folder as the user would type it. @param error why the run did not reach its end, if it did not. */
  judged(report: Report, folder: string, error?: string): void {
    this.#runs.push({ report, folder, ...(error === undefined ? {} : { error }) });
    this.#github?.add(report);
  }

  /** Records a scenario that could not start. */
  failed(scenario: string, error: string): void {
    this.#runs.push({ scenario, error });
  }

  /** @param missing whether a scenario that was asked for did not run. */
  close(missing = false): void {
    this.#github?.close();
    if (this.#format === 'json') process.stdout.write(verdictJson(this.#runs, missing));
  }
}

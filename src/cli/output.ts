/**
 * Where the words of a command go. `text`: all to standard output. `json`: the verdict alone to standard output,
 * once, at the end, and all words to standard error. Inside of GitHub Actions also what that reads.
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

  /** Where a person looks. */
  get stream(): NodeJS.WriteStream {
    return this.#format === 'json' ? process.stderr : process.stdout;
  }

  /** Of the terminal, if it is one. */
  get columns(): number {
    return this.stream.columns ?? 100;
  }

  say(line = ''): void {
    if (this.#format === 'json') console.error(line);
    else console.log(line);
  }

  /** @param folder as a person would type it. @param error what kept the run from its end, if anything. */
  judged(report: Report, folder: string, error?: string): void {
    this.#runs.push({ report, folder, ...(error === undefined ? {} : { error }) });
    this.#github?.add(report);
  }

  /** Of a scenario that could not even begin. */
  failed(scenario: string, error: string): void {
    this.#runs.push({ scenario, error });
  }

  /** @param missing whether not all was run that was asked for. */
  close(missing = false): void {
    this.#github?.close();
    if (this.#format === 'json') process.stdout.write(verdictJson(this.#runs, missing));
  }
}

/**
 * Inside of GitHub Actions: what servers say on the way is kept from being taken for workflow commands, checks
 * that did not pass become annotations at the scenario's line, and the step gets a summary. Elsewhere: nothing.
 */

import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { errorText } from '../model/errors.ts';
import type { Report } from '../model/report.ts';
import { githubAnnotations, githubSummary } from '../reporters/github.ts';

export interface GithubOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints a line where the runner reads it. */
  readonly print: (line: string) => void;
}

export interface Github {
  /** Tells of one run that was judged. */
  add(report: Report): void;
  /** To be called once, when all is printed. */
  close(): void;
}

/** @returns `undefined` outside of GitHub Actions. */
export function openGithub({ env, print }: GithubOptions): Github | undefined {
  if (env.GITHUB_ACTIONS !== 'true') return undefined;
  // From here to the same word the runner obeys nothing, whatever a server's message looks like.
  const token = `pgquake-${randomBytes(16).toString('hex')}`;
  print(`::stop-commands::${token}`);
  const annotations: string[] = [];
  return {
    add(report) {
      annotations.push(...githubAnnotations(report, { root: env.GITHUB_WORKSPACE ?? '.', folder: '.' }));
      const file = env.GITHUB_STEP_SUMMARY;
      if (file === undefined || file === '') return;
      try {
        appendFileSync(file, githubSummary(report));
      } catch (error) {
        // The verdict stands, whatever becomes of the summary.
        print(`no step summary: ${errorText(error)}`);
      }
    },
    close() {
      print(`::${token}::`);
      for (const line of annotations) print(line);
    },
  };
}

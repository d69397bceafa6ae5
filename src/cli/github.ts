/**
 * In GitHub Actions: keeps the runner from taking server messages for workflow commands, turns checks that did not
 * pass into annotations at the scenario's line, and writes a step summary. Elsewhere it does nothing.
 */

import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { errorText } from '../model/errors.ts';
import type { Report } from '../model/report.ts';
import { githubAnnotations, githubSummary } from '../reporters/github.ts';

interface GithubOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints a line where the runner reads it. */
  readonly print: (line: string) => void;
}

export interface Github {
  /** Adds one judged run. */
  add(report: Report): void;
  /** Call this once, after all other output. */
  close(): void;
}

/** @returns `undefined` outside of GitHub Actions. */
export function openGithub({ env, print }: GithubOptions): Github | undefined {
  if (env.GITHUB_ACTIONS !== 'true') return undefined;
  // Until it reads this token again, the runner ignores workflow commands, so a server's message cannot contain one.
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
        // A summary that cannot be written does not change the verdict.
        print(`no step summary: ${errorText(error)}`);
      }
    },
    close() {
      print(`::${token}::`);
      for (const line of annotations) print(line);
    },
  };
}

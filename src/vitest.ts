/**
 * A matcher for vitest: `await expect(quake.run('one-worker')).resolves.toPass()`. Importing the module adds it. A run
 * takes as long as its scenario says: give the test a longer timeout.
 */

import { expect } from 'vitest';
import type { CheckResult } from './model/verdict.ts';
import type { Experiment } from './quake.ts';

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /** The verdict must be `pass`. A failure shows the finding, the checks' evidence and the run's folder. */
    toPass(): R;
  }
}

expect.extend({
  toPass(received: unknown) {
    if (!isExperiment(received)) {
      return { pass: false, message: () => 'expected the value that quake.run() resolves to: use .resolves' };
    }
    const { verdict, report, folder } = received;
    const decisive = verdict.results.filter(({ judgement }) => judgement === verdict.judgement);
    return {
      pass: verdict.judgement === 'pass',
      message: () =>
        [
          `expected ${report.run.scenario} ${this.isNot ? 'not ' : ''}to pass; its verdict is ${verdict.judgement}`,
          report.finding,
          ...(verdict.judgement === 'pass' ? [] : decisive.flatMap(linesOf)),
          `reports: ${folder}`,
        ].join('\n'),
    };
  },
});

function linesOf({ check, expected, observed, evidence }: CheckResult): string[] {
  return [`${check}: expected ${expected}; observed ${observed}`, ...evidence.map((line) => `  ${line}`)];
}

function isExperiment(value: unknown): value is Experiment {
  return typeof value === 'object' && value !== null && 'verdict' in value && 'report' in value;
}

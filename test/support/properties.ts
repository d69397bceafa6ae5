/**
 * How often properties are tried: in `npm test` a fifth, always the same cases; in `npm run test:all` all, other cases
 * each time. fast-check prints the seed of a case that fails.
 */

import fc from 'fast-check';
import { afterEach } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Random cases that the properties of a test were tried on. */
    cases?: number;
  }
}

const THOROUGH = process.env.PGQUAKE_TEST_THOROUGH === '1';
const QUICK_SHARE = 1 / 5;
const QUICK_SEED = 1;
/** Fewer say little. */
const QUICK_MIN = 50;

/** @param thorough how many cases `npm run test:all` tries. @returns how many to try now. */
export function runs(thorough: number): number {
  return THOROUGH ? thorough : Math.min(thorough, Math.max(QUICK_MIN, Math.ceil(thorough * QUICK_SHARE)));
}

let cases = 0;

fc.configureGlobal({
  ...(THOROUGH ? {} : { seed: QUICK_SEED }),
  reporter: (details) => {
    cases += details.numRuns;
    if (details.failed) throw new Error(fc.defaultReportMessage(details), { cause: details.errorInstance });
  },
});

afterEach(({ task }) => {
  if (cases > 0) task.meta.cases = cases;
  cases = 0;
});

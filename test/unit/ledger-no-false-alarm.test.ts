/** Random histories of a cluster with which nothing is wrong: not one finding. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentIntact } from '../../src/checks/content-intact.ts';
import { noDuplicates } from '../../src/checks/no-duplicates.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import { noStaleReads } from '../../src/checks/no-stale-reads.ts';
import { noUnexpectedRows } from '../../src/checks/no-unexpected-rows.ts';
import { replicasAgree } from '../../src/checks/replicas-agree.ts';
import { sessionGuarantees } from '../../src/checks/session-guarantees.ts';
import { ledgerFigures } from '../../src/measure/ledger.ts';
import { runs } from '../support/properties.ts';
import { bothGuaranteesTried, healthySteps, simulate } from '../support/simulated-chat.ts';

const CHECKS = [noLostWrites, noUnexpectedRows, noStaleReads, noDuplicates, contentIntact, replicasAgree];

test('whatever became of single operations, nothing is found', async () => {
  await fc.assert(
    fc.asyncProperty(healthySteps, async (steps) => {
      const { history, trace } = await simulate(steps);
      const { lost, hidden, receded, resurrected, unexpected, divergent, staleReads, duplicated, corrupted, ...rest } =
        ledgerFigures(history);
      const found = { lost, hidden, receded, resurrected, unexpected, divergent, staleReads, duplicated, corrupted };
      const { readYourWrites, monotonicReads, unknown, unknownPresent, unknownAbsent = 0 } = rest;
      for (const [name, one] of Object.entries({ ...found, readYourWrites, monotonicReads })) {
        if (one?.count !== 0) throw new Error(`${name}: ${JSON.stringify(one)}`);
      }
      expect(unknownPresent + unknownAbsent).toBe(unknown);
      for (const check of CHECKS) {
        const { judgement, observed } = check.check(history, {});
        if (judgement === 'fail') throw new Error(`${check.name}: ${observed}`);
      }
      const sessions = sessionGuarantees.check(history, sessionGuarantees.params.parse({})).judgement;
      expect(sessions).toBe(bothGuaranteesTried(history, trace) ? 'pass' : 'unknown');
    }),
    { numRuns: runs(10_000) },
  );
}, 120_000);

/** Under --verbose each way in which operations fail is told once, and every check in full. */

import pc from 'picocolors';
import { expect, test } from 'vitest';
import { failureNotes } from '../../src/cli/failure-notes.ts';
import type { Operation } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { terminalSummary } from '../../src/reporters/terminal.ts';
import { passedReport } from '../support/sample-report.ts';

const operation = (id: number, given: Partial<Operation>): Operation => ({
  id,
  kind: 'read',
  intendedAt: id,
  sentAt: id,
  settledAt: id + 1,
  outcome: 'ok',
  ...given,
});

test('each failure of each kind once, in the order of its first', () => {
  const notes: string[] = [];
  const listen = failureNotes((text) => notes.push(text));
  const refused = { outcome: 'fail', errorCode: 'ECONNREFUSED', errorText: 'connect ECONNREFUSED' } as const;
  listen(OperationTable.inOrder([operation(1, {}), operation(2, refused), operation(3, { outcome: 'unsent' })]));
  listen(
    OperationTable.inOrder([
      operation(4, refused),
      operation(5, { ...refused, kind: 'write' }),
      operation(6, { outcome: 'unknown', errorCode: 'deadline' }),
    ]),
  );
  expect(notes).toEqual([
    'first read failed: connect ECONNREFUSED',
    'first write failed: connect ECONNREFUSED',
    'first read ended unknown: deadline',
  ]);
});

test('every check in full', () => {
  const options = { colors: pc.createColors(false), columns: 100, folder: 'reports/x' };
  expect(terminalSummary(passedReport, options).join('\n')).toContain('✔ also: no-duplicates');
  const all = terminalSummary(passedReport, { ...options, every: true }).join('\n');
  expect(all).not.toContain('✔ also:');
  expect(all).toMatch(/✔ no-duplicates +\S/);
});

/** When service counts as restored after healing. */

import { expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { OperationKind, Outcome } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { asksAgain } from '../../src/planner.ts';
import { ServiceMonitor } from '../../src/run/service-monitor.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const READ: OperationKind = { name: 'read', access: 'read', scope: 'partition', ratePerSecond: 50, deadlineMs: 2_000 };

/** One read every 20 ms of the rooms 1 to 125 in turn. */
function reads(fromMs: number, count: number, outcomeOf: (room: number) => Outcome): OperationTable {
  const table = new OperationTable(['read']);
  for (let i = 0; i < count; i++) {
    const at = fromMs + i * 20;
    const partitionKey = (i % 125) + 1;
    const outcome = outcomeOf(partitionKey);
    table.add({ id: i + 1, kind: 'read', intendedAt: at, sentAt: at, settledAt: at + 1, outcome, partitionKey });
  }
  return table;
}

test('service is restored once nearly all operations have succeeded for 2.5 s', () => {
  const monitor = new ServiceMonitor([READ], { asksAgain: true });
  monitor.operations(reads(0, 125, () => 'ok'));
  expect(monitor.restored(2_500, 0)).toBe(true);
  expect(monitor.restored(2_500, 1)).toBe(false);
});

test('service is not restored while fewer than 95 of 100 succeed', () => {
  const monitor = new ServiceMonitor([READ], { asksAgain: false });
  monitor.operations(reads(0, 125, (room) => (room % 10 === 0 ? 'unknown' : 'ok')));
  expect(monitor.restored(2_500, 0)).toBe(false);
  monitor.operations(reads(2_500, 125, (room) => (room % 25 === 0 ? 'unknown' : 'ok')));
  expect(monitor.restored(5_000, 0)).toBe(true);
});

test('service is not restored before each room whose last read failed has been read again', () => {
  const monitor = new ServiceMonitor([READ], { asksAgain: true });
  // Three reads are 2.4 %, too few to matter as a share.
  monitor.operations(reads(0, 125, (room) => (room > 122 ? 'fail' : 'ok')));
  expect(monitor.restored(2_500, 0)).toBe(false);
  monitor.operations(reads(2_500, 123, () => 'ok'));
  expect(monitor.restored(4_960, 0)).toBe(false);
  monitor.operations(reads(4_960, 125, () => 'ok'));
  expect(monitor.restored(7_460, 0)).toBe(true);
});

test('without a check that needs it, a refused room does not prolong the run', () => {
  const monitor = new ServiceMonitor([READ], { asksAgain: false });
  monitor.operations(reads(0, 125, (room) => (room > 122 ? 'fail' : 'ok')));
  expect(monitor.restored(2_500, 0)).toBe(true);
});

test('an unsent read does not count as a refused room', () => {
  const monitor = new ServiceMonitor([READ], { asksAgain: true });
  monitor.operations(reads(0, 125, (room) => (room === 1 ? 'fail' : 'ok')));
  monitor.operations(reads(2_500, 125, (room) => (room === 1 ? 'unsent' : 'ok')));
  expect(monitor.restored(5_000, 0)).toBe(false);
});

test.each([
  ['{ check: messages-readable, during: settle }', true],
  ['{ check: no-lost-writes }', false],
])('a run with %s asks again: %s', (item, expected) => {
  const scenario = parseScenario(`name: a\nsummary: A.\nhypothesis: [${item}]\n`, 'a.yaml', vocabulary);
  expect(asksAgain(vocabulary.checks, scenario)).toBe(expected);
});

/** What a rule expects follows the order in which its engine asks the holders. */

import { expect, test } from 'vitest';
import { citus } from '../../src/engines/citus.ts';
import { placedBy, predictBy, type ServiceRule } from '../../src/model/service-rule.ts';

const rule = citus.rule as ServiceRule;
const workers = ['worker1', 'worker2', 'worker10'];
/** A ring lays the last shard out as worker2, worker10; Citus asks by host name, byte by byte. */
const placed = placedBy(rule, { workers, partitions: [{ name: 'A', copies: ['worker2', 'worker10'] }] });

test('Citus reads from the holder whose name comes first, byte by byte', () => {
  expect(placed.partitions[0]?.copies).toEqual(['worker10', 'worker2']);
});

test.each([
  ['worker10', ['read', 'write']],
  ['worker2', ['write']],
])('with %s frozen, stalls: %s', (frozen, stalled) => {
  expect(predictBy(rule, placed, new Set(), new Set([frozen]))[0]?.stalled).toEqual(stalled);
});

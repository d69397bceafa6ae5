import { expect, test } from 'vitest';
import { probeKinds } from '../../src/run/probes.ts';

const rates = (rate: number, partitions: number, replication: number) => {
  const kinds = probeKinds({ ratePerSecond: rate, deadlineMs: 1_000 }, { partitions, replication });
  return Object.fromEntries(kinds.map(({ name, ratePerSecond }) => [name, ratePerSecond]));
};

test.each([
  // The requested rate, up to 1,200 statements a second on all servers together.
  [100, 4, 2, 100],
  [20, 12, 3, 20],
  [100, 12, 3, 25],
  [100, 32, 2, 12.5],
  [100, 1, 3, 100],
  [1_000, 1, 3, 300],
])('%i a second for each of %i partitions in %i copies: %d', (asked, partitions, replication, rate) => {
  expect(rates(asked, partitions, replication)).toMatchObject({ 'probe-read': rate, 'probe-write': rate });
});

test('new connections are at most one in 50, one a second, and 16 a second of all partitions', () => {
  expect(rates(25, 4, 2)['probe-connect']).toBe(0.5);
  expect(rates(100, 4, 2)['probe-connect']).toBe(1);
  expect(rates(100, 64, 1)['probe-connect']).toBe(0.1875);
});

test('several routes share one budget, and a route that accepts no writes gets only reads', () => {
  const routes = [
    { name: 'direct', access: 'write' },
    { name: 'standby', access: 'read' },
  ] as const;
  const kinds = probeKinds({ ratePerSecond: 1_000, deadlineMs: 1_000, routes }, { partitions: 1, replication: 3 });
  expect(kinds.map(({ name, route, ratePerSecond }) => [name, route, ratePerSecond])).toEqual([
    ['probe-read', 'direct', 150],
    ['probe-write', 'direct', 150],
    ['probe-connect', 'direct', 1],
    ['probe-read@standby', 'standby', 150],
    ['probe-connect@standby', 'standby', 1],
  ]);
});

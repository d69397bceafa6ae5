import { describe, expect, test } from 'vitest';
import { citus } from '../../src/engines/citus.ts';
import { native } from '../../src/engines/native.ts';
import type { Roles } from '../../src/model/roles.ts';
import { EventNarrator } from '../../src/reporters/event-words.ts';
import { expected } from '../support/expected.ts';
import { ring, sharded } from '../support/sharded.ts';

const topology = sharded({ workers: 4, replication: 2, partitions: 4 });
const placement = { partitions: ring(topology), partitionOfKey: {}, entry: 'coordinator' };

function predicted(engine: typeof native, down: string[], frozen: string[]): string | undefined {
  const partitions = expected(engine, placement, new Set(down), new Set(frozen));
  const lost = frozen.length === 0 ? { down } : { down, frozen };
  return new EventNarrator({ topology, plannedActs: 1 }).words({ at: 0, type: 'predicted', ...lost, partitions })?.what;
}

describe('a prediction in words', () => {
  test.each([
    [native, ['worker1'], [], 'with worker1 down: all shards readable and writable'],
    [
      native,
      [],
      ['worker1'],
      'with worker1 frozen: shards B, C, D readable and writable; reads and writes of shard A stall',
    ],
    [
      citus,
      ['worker1'],
      ['worker3'],
      'with worker1 down and worker3 frozen: shards A, B, D readable, no shard writable; reads of shard C and writes of shards B, C stall',
    ],
    [
      citus,
      [],
      ['worker3'],
      'with worker3 frozen: shards A, B, D readable, shards A, D writable; reads of shard C and writes of shards B, C stall',
    ],
    [
      citus,
      [],
      ['worker4', 'worker1'],
      'with worker4, worker1 frozen: shards B, C readable, shard B writable; reads of shards A, D and writes of shards A, C, D stall',
    ],
  ] as const)('%# engine', (engine, down, frozen, words) => {
    expect(predicted(engine, [...down], [...frozen])).toBe(words);
  });
});

test('roles as they are seen: nodes that are alike together, and as many as they are', () => {
  const says = (roles: Roles) =>
    new EventNarrator({ topology, plannedActs: 1 }).words({ at: 0, type: 'roles-seen', roles })?.what;
  const gone = { role: 'unknown', state: 'deadline' } as const;
  expect(
    says({ pg1: { role: 'primary', timeline: 2 }, pg2: gone, pg3: { role: 'unknown', state: 'ECONNREFUSED' } }),
  ).toBe('pg1 primary (timeline 2), pg2 does not answer (deadline), pg3 does not answer (ECONNREFUSED)');
  expect(says({ pg1: gone, pg2: gone, pg3: { role: 'standby', state: 'streaming' } })).toBe(
    'pg1 and pg2 do not answer (deadline), pg3 standby',
  );
});

test('an expired leader key does not make its holder silent: a node cut off from the DCS still serves', () => {
  const narrator = new EventNarrator({ topology, plannedActs: 1 });
  const step = {
    type: 'failover',
    step: 'noticed',
    from: 'pg1',
    detail: 'its leader key is gone from the DCS',
  } as const;
  expect(narrator.words({ at: 0, ...step })?.what).toBe('the manager has lost the primary pg1');
});

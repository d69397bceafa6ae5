import { describe, expect, test } from 'vitest';
import { replicationFlows } from '../../src/engines/native/flows.ts';
import { native } from '../../src/engines/native.ts';
import { expected } from '../support/expected.ts';
import { ring } from '../support/sharded.ts';

const placement = {
  partitions: ring({ workers: 4, replication: 2, partitions: 4 }),
  partitionOfKey: {},
  entry: 'coordinator',
};
const served = (...down: string[]) =>
  expected(native, placement, new Set(down))
    .filter((partition) => partition.readable && partition.writable)
    .map((partition) => partition.partition);

describe('what the engine predicts', () => {
  test('a shard is served while one of its holders is up', () => {
    expect(served()).toEqual(['A', 'B', 'C', 'D']);
    expect(served('worker1')).toEqual(['A', 'B', 'C', 'D']);
    expect(served('worker1', 'worker2')).toEqual(['B', 'C', 'D']);
    expect(served('worker2', 'worker3', 'worker4')).toEqual(['A', 'D']);
    expect(served('worker1', 'worker2', 'worker3', 'worker4')).toEqual([]);
  });

  test('a shard whose first holder that is not down is frozen stalls', () => {
    const with_ = (down: string[], frozen: string[]) =>
      expected(native, placement, new Set(down), new Set(frozen)).map(({ readable, writable, stalled = [] }) => {
        expect(writable).toBe(readable);
        return readable ? 'served' : stalled.join('+') || 'refused';
      });
    const both = 'read+write';
    expect(with_([], ['worker1'])).toEqual([both, 'served', 'served', 'served']);
    expect(with_(['worker4'], ['worker1'])).toEqual([both, 'served', 'served', both]);
    expect(with_(['worker1', 'worker2'], ['worker3'])).toEqual(['refused', both, both, 'served']);
    expect(with_([], ['coordinator'])).toEqual([both, both, both, both]);
    expect(with_(['coordinator'], ['worker1'])).toEqual(['refused', 'refused', 'refused', 'refused']);
  });

  test('nothing is served without the coordinator', () => {
    expect(served('coordinator')).toEqual([]);
  });
});

describe('replication', () => {
  const flows = (workers: number, replication: number, partitions: number) =>
    replicationFlows(ring({ workers, replication, partitions }));

  test('goes both ways between the holders of a shard', () => {
    expect(flows(4, 2, 1).map(({ publisher, subscriber }) => `${publisher} > ${subscriber}`)).toEqual([
      'worker1 > worker2',
      'worker2 > worker1',
    ]);
  });

  test('two workers have one flow each way for all the shards that they share', () => {
    const between = flows(2, 2, 5);
    expect(between).toHaveLength(2);
    expect(between[0]?.shards.map((shard) => shard.name)).toEqual(['A', 'B', 'C', 'D', 'E']);
  });

  test('there is none for a single copy', () => {
    expect(flows(12, 1, 12)).toEqual([]);
  });

  test('no worker has more flows than its server has slots and processes for', () => {
    const slots = Number(native.settings.max_replication_slots);
    for (let workers = 1; workers <= 12; workers++) {
      for (let replication = 1; replication <= Math.min(4, workers); replication++) {
        const published = Map.groupBy(flows(workers, replication, 64), (flow) => flow.publisher);
        for (const list of published.values()) expect(list.length).toBeLessThanOrEqual(slots);
      }
    }
    expect(Number(native.settings.max_wal_senders)).toBeGreaterThanOrEqual(slots);
    expect(Number(native.settings.max_logical_replication_workers)).toBeGreaterThanOrEqual(slots);
    expect(Number(native.settings.max_worker_processes)).toBeGreaterThan(slots);
  });
});

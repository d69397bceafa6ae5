/** The engine `citus` as far as it needs no server: what it expects when nodes fail, its SQL, its repair. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TableSpec } from '../../src/cluster/engine.ts';
import { repairCommands } from '../../src/engines/citus/repair.ts';
import {
  authinfo,
  type CatalogueRow,
  distribute,
  firstWorker,
  type Peer,
  placementMap,
  placementSources,
} from '../../src/engines/citus/sql.ts';
import { citus } from '../../src/engines/citus.ts';
import { createTable, insertRows } from '../../src/engines/data-set-sql.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import { nodeNames, type PlacementMap } from '../../src/model/topology.ts';
import { expected } from '../support/expected.ts';
import { ring, sharded } from '../support/sharded.ts';

const TOPOLOGY = sharded({ workers: 4, replication: 2, partitions: 4 });
const RING: PlacementMap = {
  partitions: ring(TOPOLOGY),
  partitionOfKey: {},
  entry: 'coordinator',
  writesAlsoNeed: 'worker1',
};
const PEERS: Peer[] = nodeNames(TOPOLOGY).map((name) => ({ name, host: `citus_${name}`, port: 5432 }));

/** `A:rw B:r- C:--` */
function predicted(placement: PlacementMap, ...down: string[]): string {
  const partitions = expected(citus, placement, new Set(down));
  return partitions.map((s) => `${s.partition}:${s.readable ? 'r' : '-'}${s.writable ? 'w' : '-'}`).join(' ');
}

describe('prediction', () => {
  test.each([
    [[], 'A:rw B:rw C:rw D:rw'],
    [['worker2'], 'A:r- B:r- C:rw D:rw'],
    [['worker1'], 'A:r- B:r- C:r- D:r-'],
    [['worker2', 'worker3', 'worker4'], 'A:r- B:-- C:-- D:r-'],
    [['coordinator'], 'A:-- B:-- C:-- D:--'],
  ])('with %j down', (down, expected) => {
    expect(predicted(RING, ...down)).toBe(expected);
  });

  test('with one copy of each shard no write needs another worker than its own', () => {
    const topology = sharded({ workers: 3, replication: 1, partitions: 3 });
    expect(predicted({ partitions: ring(topology), partitionOfKey: {} }, 'worker1')).toBe('A:-- B:rw C:rw');
  });

  test.each([
    [[], ['worker2'], 'A:r~ B:~~ C:rw D:rw'],
    [[], ['worker1'], 'A:~~ B:r~ C:r~ D:r~'],
    [['worker2'], ['worker3'], 'A:r- B:~- C:~~ D:rw'],
    [['worker1', 'worker2'], ['worker3'], 'A:-- B:~- C:~- D:r-'],
    [[], ['coordinator'], 'A:~~ B:~~ C:~~ D:~~'],
    [['coordinator'], ['worker1'], 'A:-- B:-- C:-- D:--'],
  ])('with %j down and %j frozen; ~ stalls', (down, frozen, served) => {
    const letter = (does: boolean, stalls: boolean | undefined, word: string) => (does ? word : stalls ? '~' : '-');
    const partitions = expected(citus, RING, new Set(down), new Set(frozen)).map((s) => {
      const read = letter(s.readable, s.stalled?.includes('read'), 'r');
      return `${s.partition}:${read}${letter(s.writable, s.stalled?.includes('write'), 'w')}`;
    });
    expect(partitions.join(' ')).toBe(served);
  });

  test('one more node down never makes a shard available, and what is writable is readable', () => {
    const sets = fc.uniqueArray(fc.constantFrom(...nodeNames(TOPOLOGY)));
    fc.assert(
      fc.property(sets, fc.constantFrom(...nodeNames(TOPOLOGY)), (down, another) => {
        const more = expected(citus, RING, new Set([...down, another]));
        for (const [i, before] of expected(citus, RING, new Set(down)).entries()) {
          expect(before.readable || !before.writable).toBe(true);
          expect(before.readable || !more[i]?.readable).toBe(true);
          expect(before.writable || !more[i]?.writable).toBe(true);
        }
      }),
    );
  });
});

describe('SQL', () => {
  const table: TableSpec = {
    name: 'messages',
    columns: [
      { name: 'room_id', type: 'int' },
      { name: 'body', type: 'text' },
    ],
    primaryKey: ['room_id', 'body'],
    rows: [],
  };

  test('a table, its distribution, its rows', () => {
    expect(createTable(table)).toBe(
      'CREATE TABLE "messages" ("room_id" int, "body" text, PRIMARY KEY ("room_id", "body"))',
    );
    expect(distribute(table, 8, undefined)).toBe(
      `SELECT create_distributed_table('"messages"', 'room_id', colocate_with => 'none', shard_count => 8)`,
    );
    expect(distribute(table, 8, 'rooms')).toBe(
      `SELECT create_distributed_table('"messages"', 'room_id', colocate_with => '"rooms"')`,
    );
    expect(insertRows(table)).toBe(
      'INSERT INTO "messages" ("room_id", "body") SELECT * FROM unnest($1::int[], $2::text[])',
    );
  });

  test('a password with quotes and backslashes stays one libpq value', () => {
    expect(authinfo(`it's \\ here`)).toBe(`password='it\\'s \\\\ here'`);
  });
});

describe('the catalogue', () => {
  const rows: CatalogueRow[] = [
    { table: 'messages', index: 0, shardId: '102008', host: 'citus_worker1', port: 5432 },
    { table: 'messages', index: 0, shardId: '102008', host: 'citus_worker2', port: 5432 },
    { table: 'messages', index: 1, shardId: '102009', host: 'citus_worker2', port: 5432 },
    { table: 'rooms', index: 0, shardId: '102012', host: 'citus_worker1', port: 5432 },
  ];

  test('shards are named in the order of their ranges, rooms find theirs', () => {
    const placement = placementMap('messages', rows, [[7, '102009']], PEERS);
    expect(placement).toEqual({
      entry: 'coordinator',
      partitionWord: 'shard',
      partitions: [
        { index: 0, name: 'A', copies: ['worker1', 'worker2'] },
        { index: 1, name: 'B', copies: ['worker2'] },
      ],
      partitionOfKey: { 7: 1 },
      writesAlsoNeed: 'worker1',
    });
  });

  test('a placement is a table of its own on its worker', () => {
    expect(placementSources('rooms', rows, PEERS)).toEqual([
      { partition: 0, node: 'worker1', relation: '"rooms_102012"' },
    ]);
  });

  test('a shard on a node that was not named is an error of the environment', () => {
    const strange: CatalogueRow = { table: 'messages', index: 0, shardId: '102008', host: 'other', port: 5432 };
    expect(() => placementMap('messages', [strange], [], PEERS)).toThrow(EnvironmentError);
    expect(() => placementMap('messages', [strange], [], PEERS)).toThrow('102008 is on other:5432');
  });

  test('the first worker is first by host name, byte by byte, whatever pgquake calls it', () => {
    expect(firstWorker(PEERS)).toBe('worker1');
    expect(
      firstWorker([
        { name: 'coordinator', host: 'a', port: 5432 },
        { name: 'worker1', host: 'zeta', port: 5432 },
        { name: 'worker2', host: '172.18.0.10', port: 5432 },
        { name: 'worker3', host: '172.18.0.9', port: 5432 },
      ]),
    ).toBe('worker2');
  });
});

describe('repair', () => {
  const repair = (...down: string[]) =>
    repairCommands({ placement: RING, down: new Set(down), peers: PEERS, table: 'rooms', replication: 2 });
  const sqlOf = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('--'));
  const REPLICATE = `SELECT replicate_table_shards('"rooms"', shard_replication_factor := 2);`;

  test('one worker: without it, whole again, and back', () => {
    expect(sqlOf(repair('worker2'))).toEqual([
      "SELECT citus_disable_node('citus_worker2', 5432);",
      REPLICATE,
      "SELECT citus_activate_node('citus_worker2', 5432);",
      REPLICATE,
    ]);
  });

  test('the first worker is disabled synchronously, after all others', () => {
    expect(sqlOf(repair('worker1', 'worker3')).slice(0, 2)).toEqual([
      "SELECT citus_disable_node('citus_worker3', 5432);",
      "SELECT citus_disable_node('citus_worker1', 5432, synchronous := true);",
    ]);
  });

  test('a node with the only copies cannot be disabled; it is named, with its shards', () => {
    const lines = repair('worker2', 'worker3', 'worker4');
    expect(lines[0]).toBe('-- start worker3 first: shard C is on no other running node');
    expect(sqlOf(lines).some((line) => line.includes('worker3'))).toBe(false);
  });

  test('never disables all holders of a shard', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom('worker1', 'worker2', 'worker3', 'worker4')), (down) => {
        const disabled = repair(...down).filter((line) => line.includes('citus_disable_node'));
        for (const { copies: placements } of RING.partitions) {
          expect(placements.every((node) => disabled.some((line) => line.includes(`_${node}'`)))).toBe(false);
        }
      }),
    );
  });

  test('nothing is down, nothing is to be done; the coordinator comes first', () => {
    expect(repair()).toEqual([]);
    expect(repair('coordinator')).toEqual(['-- start the coordinator first: everything goes through it']);
  });
});

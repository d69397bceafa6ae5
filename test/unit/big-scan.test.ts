/** The workload `big-scan` counts rows as they come and keeps none. */

import { describe, expect, test } from 'vitest';
import type { Row, Session } from '../../src/sql/session.ts';
import { bigScan } from '../../src/workloads/big-scan.ts';

const params = bigScan.params.parse({ rooms: 4, 'messages-per-room': 5, 'message-bytes': 25 });
const rows = bigScan.dataset(params).tables[0]?.rows as Row[];

/** Answers every statement with these rows. */
function answering(answer: readonly Row[]): Session {
  const forEachRow = async (_text: string, _values: readonly unknown[], onRow: (row: Row) => void) => {
    for (const row of answer) onRow(row);
  };
  return { forEachRow } as unknown as Session;
}

const scan = (answer: readonly Row[]) => bigScan.start(params, 1).next('scan').run(answering(answer));

describe('big-scan', () => {
  test('every row has its room and a body of the length that was asked for', () => {
    expect(rows).toHaveLength(20);
    expect(rows[5]).toEqual([2, 6, '0000000006000000000600000']);
  });

  test('a complete scan is verified', async () => {
    expect(await scan(rows)).toEqual({ rows: 20, verified: 20 });
  });

  test('rows that come again are counted, all of them, and some are named', async () => {
    const observed = await scan([...rows, ...rows.slice(0, 12)]);
    expect(observed).toMatchObject({ rows: 32, verified: 20, anomaly: { duplicatedCount: 12 } });
    expect(observed.anomaly?.duplicated).toHaveLength(8);
  });

  test('a scan that leaves rows out verifies fewer; a changed body is corruption', async () => {
    const changed: Row[] = [[1, 1, 'something else'], ...rows.slice(1, 15)];
    expect(await scan(changed)).toEqual({ rows: 15, verified: 14, anomaly: { corrupted: ['0:1'] } });
  });

  test('a complete read names what it found', async () => {
    const read = await bigScan.ledger.readAll(answering([...rows.slice(0, 3), rows[2] as Row]), 'x', params, 1_000);
    expect(read).toEqual({ rows: 4, present: { 0: '1-3' }, duplicated: ['0:3'], corrupted: [] });
  });

  test('the length of a changed body is in bytes', async () => {
    const read = await bigScan.ledger.readAll(answering([[1, 1, 'é'.repeat(25)]]), 'x', params, 1_000);
    expect(read.corrupted).toMatchObject([{ key: '0:1', found: expect.stringMatching(/^room 1, 50 bytes "é/) }]);
  });

  test('reads ask for rooms that exist, the same ones for the same seed', () => {
    const partitionKeys = (seed: number) => {
      const run = bigScan.start(params, seed);
      return Array.from({ length: 30 }, () => run.next('read').partitionKey);
    };
    expect(partitionKeys(7)).toEqual(partitionKeys(7));
    expect(new Set(partitionKeys(7))).toEqual(new Set([1, 2, 3, 4]));
  });
});

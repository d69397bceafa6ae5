/** The ledger: one table in a schema of pgquake's own, whose reads are held against its writes. */

import { expect, test } from 'vitest';
import { lacking } from '../../src/scenario/requirements.ts';
import { ledger } from '../../src/workloads/ledger.ts';
import { FakeSession } from '../support/fake-session.ts';

const PARAMS = ledger.params.parse({ buckets: 4, 'rows-per-bucket': 3 });
const [table] = ledger.dataset(PARAMS).tables;
const initial = (table?.rows ?? []) as unknown[][];

function scan(rows: unknown[][]) {
  const session = new FakeSession();
  session.answer = async () => rows;
  return ledger.start(PARAMS, 1).next('scan').run(session.asSession());
}

test('is one table in the schema pgquake, distributed by bucket', () => {
  expect(ledger.dataset(PARAMS)).toMatchObject({ partitionKeys: [1, 2, 3, 4], tables: [{ name: 'pgquake.ledger' }] });
  expect([table?.primaryKey[0], initial.length]).toEqual(['bucket', 12]);
  expect([ledger.ledger.initialRows(PARAMS), ledger.ledger.partitionKeys(PARAMS)]).toEqual([12, 4]);
});

test('lacks nothing that the checks of the chat require', () => {
  const probes = { ratePerSecond: 1, deadlineMs: 1 };
  expect(lacking({ workload: ledger, params: PARAMS, probes, cluster: {} })).toEqual(['roles']);
});

test('a read that leaves out, doubles or changes a row is seen', async () => {
  expect(await scan(initial)).toEqual({ rows: 12, verified: 12 });
  expect((await scan(initial.slice(1))).anomaly).toMatchObject({ missing: ['0:1'], missingCount: 1 });
  expect((await scan([...initial, initial[4] as unknown[]])).anomaly).toMatchObject({ duplicated: ['0:5'] });
  const changed = initial.map((row, i) => (i === 2 ? [...row.slice(0, 4), 'x'] : row));
  expect((await scan(changed)).anomaly).toMatchObject({ corrupted: ['0:3'] });
});

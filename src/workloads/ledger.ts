/**
 * The ledger: one small table in pgquake's own schema, on any PostgreSQL. It accounts for writes in a cluster with foreign
 * data or none. `keyed-rows.ts` defines the contents of a row.
 */

import { z } from 'zod';
import type { OperationKind } from '../model/history.ts';
import { initialRows, keyedLedger, keyedTable, type Spread } from './keyed-rows.ts';
import { KeyedRun } from './keyed-run.ts';
import { pace, pacedKind } from './pace.ts';
import { range } from './rows.ts';
import type { Workload } from './workload.ts';

const TABLE = keyedTable('pgquake.ledger', ['bucket', 'writer', 'seq', 'session', 'body'], 'bucket');
const SESSIONS_PER_BUCKET = 2;

const params = z.strictObject({
  buckets: z
    .int()
    .min(1)
    .max(100_000)
    .default(32)
    .describe('Groups of rows that are read together; sharded engines distribute the table by them.'),
  'rows-per-bucket': z.int().min(1).max(10_000).default(5).describe('Rows of each bucket before the run.'),
  read: pace('10/s', '2s').describe('Reads all rows of one bucket; every bucket in turn, in shuffled rounds.'),
  scan: pace('1/s', '2s').describe('Reads all rows.'),
  write: pace('20/s', '2s').describe('Adds one row.'),
});

type LedgerParams = z.output<typeof params>;

const spreadOf = (ledger: LedgerParams): Spread => ({
  rooms: ledger.buckets,
  'members-per-room': SESSIONS_PER_BUCKET,
  'messages-per-room': ledger['rows-per-bucket'],
});

export const ledger = {
  name: 'ledger',
  summary: 'One small table in the schema pgquake; its rows are read by bucket, scanned and added.',
  source: import.meta.url,
  params,

  kinds: (ledger): OperationKind[] => [
    pacedKind({ name: 'read', access: 'read', scope: 'partition' }, ledger.read),
    pacedKind({ name: 'scan', access: 'read', scope: 'all' }, ledger.scan),
    pacedKind({ name: 'write', access: 'write', scope: 'partition' }, ledger.write),
  ],

  inOwnSchema: true,
  dataset: (ledger) => ({
    partitionKeys: range(ledger.buckets),
    tables: [
      {
        name: TABLE.name,
        columns: [
          { name: 'bucket', type: 'int' },
          { name: 'writer', type: 'int' },
          { name: 'seq', type: 'int' },
          { name: 'session', type: 'int' },
          { name: 'body', type: 'text' },
        ],
        primaryKey: ['bucket', 'writer', 'seq'],
        rows: initialRows(spreadOf(ledger)),
      },
    ],
  }),

  start: (ledger, seed, writer?: number) => new KeyedRun(TABLE, spreadOf(ledger), seed, writer),

  ledger: keyedLedger<LedgerParams>(TABLE, spreadOf),
} satisfies Workload<LedgerParams>;

/** What every workload promises, on the embedded cluster. */

import { join } from 'node:path';
import { workloads } from '../../src/catalog.ts';
import { workloadContract } from '../../src/contract.ts';
import { native } from '../../src/engines/native.ts';
import { local } from '../../src/platforms/local.ts';
import { sharded } from '../support/sharded.ts';

const PARAMS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'big-scan': { rooms: 20, 'messages-per-room': 10 },
  sql: {
    setup: 'shop.sql',
    operations: [
      {
        name: 'pay',
        sql: 'INSERT INTO payments (id, customer, cents) VALUES ($1, $2, 100)',
        params: ['sequence()', 'uniform(1, 1000)'],
        acknowledges: '$1',
        rate: '30/s',
      },
      {
        name: 'history',
        sql: 'SELECT id FROM payments WHERE customer = $1',
        params: ['uniform(1, 1000)'],
        rate: '20/s',
      },
    ],
    verify: 'SELECT id FROM payments',
  },
};
/** With the file `shop.sql`. */
const FOLDER = join(import.meta.dirname, '../../examples/own-sql');

for (const workload of workloads) {
  workloadContract({
    workload,
    params: PARAMS[workload.name] ?? {},
    folder: FOLDER,
    engine: native,
    platform: local,
    topology: sharded({ workers: 2, replication: 2, partitions: 2 }),
  });
}

/**
 * Statements of one's own on real Citus: the setup distributes its tables itself, and a worker that stops loses no write.
 * Needs an image with Citus, named by PGQUAKE_CITUS_IMAGE; skipped without.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { LedgerFigures } from '../../src/model/report.ts';
import { pgquake } from '../../src/pgquake.ts';
import { temporaryFolder } from '../support/local-cluster.ts';

const image = process.env.PGQUAKE_CITUS_IMAGE;
const LIMIT_MS = 120_000;

const SETUP = `CREATE TABLE payments (id uuid PRIMARY KEY, cents int NOT NULL);
SELECT create_distributed_table('payments', 'id', shard_count => 4);
`;

const SCENARIO = `name: shop
summary: A worker of a shop on Citus stops.
cluster: { workers: 2, replication: 2, shards: 4, platform: docker, engine: citus }
workload:
  use: sql
  setup: shop.sql
  operations:
    - name: pay
      sql: INSERT INTO payments (id, cents) VALUES ($1, $2)
      params:
        - uuid()
        - uniform(1, 1000)
      acknowledges: $1
      rate: 20/s
  verify: SELECT id FROM payments
steady-state: { for: 1s }
faults:
  - { fault: node-stop, target: worker2, for: 1s }
settle: { within: 20s }
hypothesis: [{ check: no-lost-writes }]
`;

afterEach(() => {
  vi.unstubAllEnvs();
});

test.skipIf(!image)(
  'a distributed table of its own: every acknowledged payment is found by its UUID',
  async () => {
    vi.stubEnv('PGQUAKE_IMAGE', image);
    await using folder = await temporaryFolder();
    writeFileSync(join(folder.path, 'shop.sql'), SETUP);
    writeFileSync(join(folder.path, 'shop.yaml'), SCENARIO);
    const { report, failure } = await pgquake().run(join(folder.path, 'shop.yaml'), { seed: 7, reports: folder.path });
    expect(failure).toBeUndefined();
    const { acknowledged, lost } = report.ledger as LedgerFigures;
    expect(acknowledged).toBeGreaterThan(10);
    expect(lost.count).toBe(0);
    const judgements = new Map(report.results.map(({ check, judgement }) => [check, judgement]));
    for (const check of ['no-lost-writes', 'fault-took-effect', 'no-unexpected-rows']) {
      expect(judgements.get(check)).toBe('pass');
    }
  },
  LIMIT_MS,
);

/**
 * Every worker rejects COMMIT PREPARED for a while, on real Citus: acknowledged writes are late, and none is lost.
 * Needs an image with Citus, named by PGQUAKE_CITUS_IMAGE; skipped without.
 */

import { afterEach, expect, test, vi } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { LedgerFigures } from '../../src/model/report.ts';
import { pgquake } from '../../src/pgquake.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { temporaryFolder } from '../support/local-cluster.ts';

const image = process.env.PGQUAKE_CITUS_IMAGE;
/** Citus ends what was prepared once a minute. */
const LIMIT_MS = 240_000;

const SCENARIO = `
name: commit-rejected
summary: Writes are acknowledged, and their commits do not reach the workers.
cluster: { workers: 4, replication: 2, shards: 4, platform: docker, engine: citus }
workload: { use: chat, read: { rate: 20/s, deadline: 2s }, scan: { rate: 1/s, deadline: 2s }, write: { rate: 10/s, deadline: 2s } }
steady-state: { for: 2s }
faults:
  - { fault: network-reject, target: [worker1, worker2, worker3, worker4], from: [coordinator], direction: in, on: COMMIT PREPARED, for: 3s }
settle: { within: 5s }
hypothesis: [{ check: no-lost-writes }, { check: no-leftovers }, { check: replicas-agree }]
`;

afterEach(() => {
  vi.unstubAllEnvs();
});

test.skipIf(!image)(
  'acknowledged and late is not lost; its prepared transactions are named',
  async () => {
    vi.stubEnv('PGQUAKE_IMAGE', image);
    await using folder = await temporaryFolder();
    const { report, failure } = await pgquake().run(parseScenario(SCENARIO, 'commit-rejected.yaml', vocabulary), {
      seed: 7,
      reports: folder.path,
    });
    expect(failure).toBeUndefined();
    const { lost, late } = report.ledger as LedgerFigures;
    expect(lost.count).toBe(0);
    expect(late?.count).toBeGreaterThan(0);
    expect(late?.forMs).toBeGreaterThan(1_000);
    expect(late?.prepared).toContainEqual(
      expect.objectContaining({
        key: late?.witnesses[0],
        node: expect.stringMatching(/^worker/),
        gid: expect.stringMatching(/^citus_/),
      }),
    );
    const judgements = new Map(report.results.map(({ check, judgement }) => [check, judgement]));
    for (const check of ['no-lost-writes', 'replicas-agree']) expect(judgements.get(check)).toBe('pass');
  },
  LIMIT_MS,
);

/** How long a proof takes: all 15 sets of 4 embedded workers, one after the other on one cluster. `node bench/proof.ts` */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pgquake } from '../src/pgquake.ts';
import { closing } from './figures.ts';

const GOAL_S = 60;
const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
try {
  const { proof } = await pgquake().prove({
    topology: { workers: 4, replication: 2, partitions: 4 },
    fault: 'node-kill',
    clusters: 1,
    platform: 'local',
    engine: 'native',
    reports: folder,
    signal: new AbortController().signal,
  });
  console.log(`${proof.subsets.length} sets: ${proof.judgement}`);
  closing([{ what: 'all 15 sets of 4 workers, seconds', figure: proof.durationMs / 1_000, goal: GOAL_S }]);
} finally {
  rmSync(folder, { recursive: true });
}

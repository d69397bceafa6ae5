/** Targets that speak of partitions where the engine knows nothing of them before they are placed. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { native } from '../../src/engines/native.ts';
import { pgquake } from '../../src/pgquake.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { readPlan } from '../../src/store.ts';
import { temporaryFolder } from '../support/local-cluster.ts';

const SCENARIO = parseScenario(
  `name: late
summary: Whoever holds room 3 loses its sessions.
cluster: { workers: 3, replication: 2, shards: 3, platform: local, engine: native }
workload: { rooms: 20, messages-per-room: 2, read: { rate: 30/s }, write: { rate: 10/s } }
probes: { rate: 10/s }
steady-state: { for: 500ms }
settle: { within: 300ms }
faults:
  - { fault: backend-terminate, target: { holds-shard-of: room 3 }, times: 1 }
  - { fault: read-only, target: { not-holding: room 3, pick: 1 }, for: 300ms }
hypothesis: [{ check: no-duplicates }]
`,
  'late.yaml',
  vocabulary,
);

test('are picked once the cluster is formed, told, and kept for a replay', async () => {
  await using folder = await temporaryFolder();
  using _ = vi.spyOn(native, 'layout').mockImplementation(() => undefined as never);
  const { report, failure } = await pgquake().run(SCENARIO, { seed: 4, reports: folder.path });
  expect(failure).toBeUndefined();
  const formed = report.timeline.find((event) => event.type === 'cluster-formed');
  const picked = report.timeline.find((event) => event.type === 'targets-picked');
  if (formed?.type !== 'cluster-formed' || picked?.type !== 'targets-picked') throw new Error('not recorded');
  expect(picked.at).toBeGreaterThanOrEqual(formed.at);
  const { partitions, partitionOfKey } = formed.placement;
  const holders = [...(partitions[partitionOfKey[3] as number]?.copies ?? [])].sort();
  expect(picked.acts.map(({ targets }) => targets)).toEqual([
    holders,
    ['worker1', 'worker2', 'worker3'].filter((node) => !holders.includes(node)),
  ]);
  const struck = report.timeline.flatMap((event) => (event.type === 'fault-asked' ? [event.targets] : []));
  expect(struck.toSorted()).toEqual(picked.acts.map(({ targets }) => targets).toSorted());
  const run = readdirSync(folder.path).find((name) => name.endsWith('-late')) as string;
  expect((await readPlan(join(folder.path, run))).acts).toEqual(report.acts);
  expect(report.acts.map(({ targets }) => targets)).toEqual(picked.acts.map(({ targets }) => targets));
});

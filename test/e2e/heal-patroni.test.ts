/** A run on a cluster under Patroni that is killed with SIGKILL: heal leaves no container, network, volume or folder of it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { dockerMissing } from '../support/docker.ts';
import { eventsIn, KilledRuns, LIMIT_PER_MOMENT_MS } from '../support/killed-runs.ts';

const missing = await dockerMissing(import.meta.filename);

/** Parts of nodes and members of the DCS are struck at once. */
const SCENARIO = `name: tortured
summary: The agent of the primary dies, a standby freezes, and etcd stops.
cluster: { engine: patroni, platform: local, settings: { ttl: 20, loop_wait: 1, retry_timeout: 3 } }
workload: { use: ledger, read: { rate: 20/s }, scan: { rate: 1/s }, write: { rate: 20/s } }
probes: { rate: 5/s }
steady-state: { for: 300ms }
faults:
  - { fault: agent-kill, target: { role: primary }, at: 0s, for: 30s }
  - { fault: node-pause, target: { role: standby, pick: 1 }, at: 100ms, for: 30s }
  - { fault: node-stop, target: { role: dcs }, at: 200ms, for: 30s }
settle: { within: 2s }
hypothesis:
  - { check: no-duplicates }
`;

/** What had happened when it was killed, and how long after that. */
const MOMENTS = [
  ['while its containers start', 'phase-started', 'provision', 1_500],
  ['while faults are in effect', 'fault-in-effect', undefined, 1_000],
] as const;

test.skipIf(missing !== undefined)(
  'after kill -9 heal leaves nothing of a cluster under Patroni',
  async () => {
    using runs = new KilledRuns('docker', SCENARIO);
    for (const [when, type, phase, afterMs] of MOMENTS) {
      const { running, folder } = await runs.startUntil(type, phase);
      await sleep(afterMs);
      running.kill('SIGKILL');
      await running.ended;
      const healed = await runs.heal();
      const context = `${when}\n${healed.stdout}${healed.stderr}`;
      expect(healed.code, context).toBe(0);
      expect(await runs.remains(), context).toEqual([]);
      expect(eventsIn(folder).at(-1)?.type, context).toBe('reclaimed');
    }
    await sleep(1_000);
    // Nothing that was still under way has appeared since.
    expect(await runs.remains()).toEqual([]);
  },
  LIMIT_PER_MOMENT_MS * 3,
);

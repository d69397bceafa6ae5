/**
 * Runs on clusters under Patroni that are killed with SIGKILL: heal leaves no process, container, network, volume or folder
 * of them. PGQUAKE_TORTURE_PATRONI_MOMENTS, 2 by default, chooses how often on each platform.
 */

import { dockerMissing } from '../support/docker.ts';
import { patroniMissing } from '../support/patroni.ts';
import { heals } from './torture-by-kill.ts';

/** Parts of nodes and members of the DCS are struck at once. */
const scenario = `name: tortured
summary: The agent of the primary dies, a standby freezes, and etcd stops.
cluster: { engine: patroni, proxy: haproxy, platform: local, settings: { ttl: 20, loop_wait: 1, retry_timeout: 3 } }
workload: { use: ledger, read: { rate: 20/s }, scan: { rate: 1/s }, write: { rate: 20/s } }
probes: { rate: 5/s }
steady-state: { for: 300ms }
faults:
  - { fault: agent-kill, target: { role: primary }, at: 0s, for: 6s }
  - { fault: node-pause, target: { role: standby, pick: 1 }, at: 100ms, for: 6s }
  - { fault: node-stop, target: { role: dcs }, at: 200ms, for: 6s }
settle: { within: 2s }
hypothesis:
  - { check: no-duplicates }
`;

const moments = Number(process.env.PGQUAKE_TORTURE_PATRONI_MOMENTS ?? 2);
const cluster = {
  inWords: 'a cluster under Patroni',
  scenario,
  usualMs: { provision: 4_500, form: 4_500, ramp: 1_100, fault: 4_000 },
};

heals({ on: 'local', moments, unavailable: await patroniMissing(import.meta.filename), cluster });
heals({ on: 'docker', moments, unavailable: await dockerMissing(import.meta.filename), cluster });

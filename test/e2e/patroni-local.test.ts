/** A failover of real Patroni without a container: as it is installed here, on loopback ports, as an ordinary user. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { patroniMissing } from '../support/patroni.ts';

const missing = await patroniMissing(import.meta.filename);
const LIMIT_MS = 300_000;
/** A dead primary has renewed its leader key up to a loop before. */
const SOONEST_TAKEOVER_MS = 19_000;
/** The shortest settings that Patroni allows, and a light load. */
const CHANGES = [
  'cluster.settings.loop_wait=1',
  'cluster.settings.retry_timeout=3',
  'workload.read.rate=20/s',
  'workload.write.rate=40/s',
  'probes.rate=10/s',
  'faults[0].for=26s',
].flatMap((change) => ['--set', change]);

test.skipIf(missing !== undefined)(
  'a failover on this machine: a standby takes over within what ttl promises, and nothing of it is left',
  async () => {
    using place = new Workplace('local');
    const { code, stdout, stderr } = await place.runJudged(['patroni/primary-lost', ...CHANGES]);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(place.leftovers()).toEqual([]);
    const { results, figures, timeline, nodes } = place.report();
    const seen = results.find(({ check }) => check === 'within-promise')?.observed;
    const outMs = figures.promises?.[0]?.writesOut.find(({ route }) => route === 'direct')?.outMs ?? 0;
    expect(outMs, seen).toBeGreaterThan(SOONEST_TAKEOVER_MS);
    const steps = timeline.flatMap((event) => (event.type === 'failover' ? [event.step] : []));
    expect(steps).toEqual(['noticed', 'elected', 'promoted']);
    const version = execFileSync('patroni', ['--version'], { encoding: 'utf8' }).trim().split(' ').at(-1);
    expect(JSON.stringify(nodes)).toContain(`Patroni ${version}`);
  },
  LIMIT_MS,
);

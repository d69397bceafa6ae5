/** A failover of real Patroni without a container: as it is installed here, on loopback ports, as an ordinary user. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { patroniMissing } from '../support/patroni.ts';
import { LIMIT_MS, LOOP_WAIT_MS, passes, TTL_MS, writesOutMs } from '../support/patroni-runs.ts';

const missing = await patroniMissing(import.meta.filename);
/** A dead primary has renewed its leader key up to a loop before. */
const SOONEST_TAKEOVER_MS = TTL_MS - LOOP_WAIT_MS;

test.skipIf(missing !== undefined)(
  'a failover: a standby takes over within what ttl promises, by the proxy later than directly, and nothing of it is left',
  async () => {
    using place = new Workplace('local');
    const seen = await passes(place, 'patroni/primary-lost', { lasts: '26s', writes: 20 });
    const { direct = 0, proxy = 0 } = writesOutMs(place);
    expect(direct, seen('within-promise')).toBeGreaterThan(SOONEST_TAKEOVER_MS);
    expect(proxy, seen('within-promise')).toBeGreaterThan(direct);
    const { timeline, nodes } = place.report();
    const steps = timeline.flatMap((event) => (event.type === 'failover' ? [event.step] : []));
    expect(steps).toEqual(['noticed', 'elected', 'promoted']);
    const version = execFileSync('patroni', ['--version'], { encoding: 'utf8' }).trim().split(' ').at(-1);
    expect(JSON.stringify(nodes)).toContain(`Patroni ${version}`);
  },
  LIMIT_MS,
);

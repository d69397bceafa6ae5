/**
 * Shipped scenarios on real Patroni, from the command line to the verdict: a failover, two primaries, and the same on a
 * synchronous cluster. A lost DCS is in `patroni-dcs`, which runs alone.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';
import { LIMIT_MS, LOOP_WAIT_MS, passes, TTL_MS, writesOutMs } from '../support/patroni-runs.ts';

const missing = await dockerMissing(import.meta.filename);
/** Half of what a probe waits for. */
const HUNG_COMMIT_MS = 500;
/** A dead primary has renewed its leader key up to a loop before. */
const SOONEST_TAKEOVER_MS = TTL_MS - LOOP_WAIT_MS;

let place: Workplace;

beforeEach(() => {
  place = new Workplace('docker');
});

afterEach(() => {
  place[Symbol.dispose]();
});

describe.skipIf(missing !== undefined)('under Patroni', () => {
  test(
    'a failover: a standby takes over within what ttl promises, by the proxy later than directly',
    async () => {
      const seen = await passes(place, 'patroni/primary-lost', '32s');
      const { direct = 0, proxy = 0 } = writesOutMs(place);
      expect(direct, seen('within-promise')).toBeGreaterThan(SOONEST_TAKEOVER_MS);
      expect(proxy, seen('within-promise')).toBeGreaterThan(direct);
    },
    LIMIT_MS,
  );

  test(
    'a split brain: no client sees an outage, two nodes are primaries, and acknowledged writes are lost',
    async () => {
      const seen = await passes(place, 'patroni/agent-killed', '30s');
      expect(seen('split-brain')).toMatch(/^two primaries for at most /);
      expect(seen('availability')).toMatch(/^(99|100)/);
      expect(place.report().ledger?.lost?.count).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );

  test(
    'a synchronous cluster: after the same fault the old primary acknowledges nothing, and nothing is lost',
    async () => {
      const seen = await passes(place, 'patroni/agent-killed-sync', '30s');
      expect(seen('split-brain')).toMatch(/^never two at one time/);
      // Whoever gives up a commit that waits may find the new primary at once.
      expect(writesOutMs(place).direct).toBeGreaterThan(HUNG_COMMIT_MS);
      expect(seen('lost-writes')).toMatch(/^all [\d,]+ acknowledged writes found/);
    },
    LIMIT_MS,
  );
});

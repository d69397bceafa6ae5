/**
 * Shipped scenarios on real Patroni, from the command line to the verdict: two primaries, and the same on a synchronous
 * cluster. A failover is in `patroni-local`, a lost DCS in `patroni-dcs`.
 */

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readRun } from '../../src/store.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';
import { LIMIT_MS, passes, writesOutMs } from '../support/patroni-runs.ts';

const missing = await dockerMissing(import.meta.filename);
/** Half of what a probe waits for. */
const HUNG_COMMIT_MS = 500;

let place: Workplace;

beforeEach(() => {
  place = new Workplace('docker');
});

afterEach(() => {
  place[Symbol.dispose]();
});

describe.skipIf(missing !== undefined)('under Patroni', () => {
  test(
    'a split brain: no client sees an outage, two nodes are primaries, and acknowledged writes are lost',
    async () => {
      const seen = await passes(place, 'patroni/agent-killed', { lasts: '26s', writes: 20 });
      expect(seen('split-brain')).toMatch(/^two primaries for at most /);
      expect(seen('availability')).toMatch(/^(99|100)/);
      const { ledger, acts } = place.report();
      expect(ledger?.lost?.count).toBeGreaterThan(0);
      // What the old primary alone has is read before its data are replaced.
      const { events } = (await readRun(join(place.reports, 'latest'))).history;
      const forks = events.flatMap((event) => (event.type === 'fork-read' ? [event.node] : []));
      expect(forks).toEqual(acts[0]?.targets);
    },
    LIMIT_MS,
  );

  test(
    'a synchronous cluster: after the same fault the old primary acknowledges nothing, and nothing is lost',
    async () => {
      // At its own rate: each write that is given up keeps a connection, and Patroni itself needs one to come back.
      const seen = await passes(place, 'patroni/agent-killed-sync', { lasts: '26s' });
      expect(seen('split-brain')).toMatch(/^never two at once/);
      // Whoever gives up a commit that waits may find the new primary at once.
      expect(writesOutMs(place).direct).toBeGreaterThan(HUNG_COMMIT_MS);
      expect(seen('lost-writes')).toMatch(/^all [\d,]+ acknowledged writes found/);
    },
    LIMIT_MS,
  );
});

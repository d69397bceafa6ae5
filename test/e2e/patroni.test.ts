/**
 * Shipped scenarios on real Patroni, from the command line to the verdict: a failover, two primaries, the same on a synchronous
 * cluster, and a lost DCS. With the shortest settings that
 * Patroni allows, and a light load, because other tests run beside it.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';

const missing = await dockerMissing(import.meta.filename);
const LIMIT_MS = 400_000;
const TTL_MS = 20_000;
const LOOP_WAIT_MS = 1_000;
/** Half of what a probe waits for. */
const HUNG_COMMIT_MS = 500;
/** A dead primary has renewed its leader key up to a loop before. */
const SOONEST_TAKEOVER_MS = TTL_MS - LOOP_WAIT_MS;
const SHORT = [
  `cluster.settings.loop_wait=${LOOP_WAIT_MS / 1_000}`,
  'cluster.settings.retry_timeout=3',
  'workload.read.rate=20/s',
  'workload.write.rate=40/s',
  'probes.rate=10/s',
];

let place: Workplace;

beforeEach(() => {
  place = new Workplace('docker');
});

afterEach(() => {
  place[Symbol.dispose]();
});

/** Runs a scenario whose fault lasts for a time of its own, to the verdict that it passes. @returns what a check has seen. */
async function passes(scenario: string, faultLasts: string): Promise<(check: string) => string | undefined> {
  const changes = [...SHORT, `faults[0].for=${faultLasts}`].flatMap((change) => ['--set', change]);
  const { code, stdout, stderr } = await place.runJudged([scenario, ...changes]);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  expect(place.leftovers()).toEqual([]);
  const { results } = place.report();
  return (name) => results.find(({ check }) => check === name)?.observed;
}

/** For how long clients could not write, by each route. */
function writesOutMs(): Readonly<Record<string, number>> {
  const [seen] = place.report().figures.promises ?? [];
  return Object.fromEntries(seen?.writesOut.map(({ route, outMs }) => [route, outMs ?? 0]) ?? []);
}

describe.skipIf(missing !== undefined)('under Patroni', () => {
  // First, because nothing else asks as much of the machine: what runs beside it asks little.
  test(
    'a lost DCS: the primary demotes itself, nobody takes its place, and it is back once etcd is',
    async () => {
      await passes('patroni/dcs-lost', '10s');
      expect(writesOutMs().direct).toBeGreaterThan(1_000);
      const steps = place.report().timeline.flatMap((event) => (event.type === 'failover' ? [event.step] : []));
      expect(steps).not.toContain('promoted');
    },
    LIMIT_MS,
  );

  test(
    'a failover: a standby takes over within what ttl promises, by the proxy later than directly',
    async () => {
      const seen = await passes('patroni/primary-lost', '32s');
      const { direct = 0, proxy = 0 } = writesOutMs();
      expect(direct, seen('within-promise')).toBeGreaterThan(SOONEST_TAKEOVER_MS);
      expect(proxy, seen('within-promise')).toBeGreaterThan(direct);
    },
    LIMIT_MS,
  );

  test(
    'a split brain: no client sees an outage, two nodes are primaries, and acknowledged writes are lost',
    async () => {
      const seen = await passes('patroni/agent-killed', '30s');
      expect(seen('split-brain')).toMatch(/^two primaries for at most /);
      expect(seen('availability')).toMatch(/^(99|100)/);
      expect(place.report().ledger?.lost?.count).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );

  test(
    'a synchronous cluster: after the same fault the old primary acknowledges nothing, and nothing is lost',
    async () => {
      const seen = await passes('patroni/agent-killed-sync', '30s');
      expect(seen('split-brain')).toMatch(/^never two at one time/);
      // Whoever gives up a commit that waits may find the new primary at once.
      expect(writesOutMs().direct).toBeGreaterThan(HUNG_COMMIT_MS);
      expect(seen('lost-writes')).toMatch(/^all [\d,]+ acknowledged writes found/);
    },
    LIMIT_MS,
  );
});

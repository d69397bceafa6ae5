/** Shipped scenarios on real Patroni, from the command line to the verdict: a failover, and two primaries. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';

const missing = await dockerMissing(import.meta.filename);
const LIMIT_MS = 400_000;

let place: Workplace;

beforeEach(() => {
  place = new Workplace('docker');
});

afterEach(() => {
  place[Symbol.dispose]();
});

describe.skipIf(missing !== undefined)('under Patroni', () => {
  test(
    'primary-lost passes: a standby takes over within what ttl promises, by the proxy later than directly',
    async () => {
      const { code, stderr } = await place.runJudged(['patroni/primary-lost']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { results } = place.report();
      expect(results.find(({ check }) => check === 'within-promise')).toMatchObject({ judgement: 'pass' });
      expect(place.leftovers()).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'agent-killed: no client sees an outage, two nodes are primaries, and acknowledged writes are lost',
    async () => {
      const { code, stderr } = await place.runJudged(['patroni/agent-killed']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { results, ledger } = place.report();
      const seen = (name: string) => results.find(({ check }) => check === name)?.observed;
      expect(seen('split-brain')).toMatch(/^two primaries for at most /);
      expect(seen('availability')).toMatch(/^(99|100)/);
      expect(ledger?.lost?.count).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});

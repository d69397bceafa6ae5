/** Real Patroni without its DCS. Few operations: each that finds no primary asks every member, which costs them a session. */

import { expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';
import { LIMIT_MS, passes, writesOutMs } from '../support/patroni-runs.ts';

const missing = await dockerMissing(import.meta.filename);

test.skipIf(missing !== undefined)(
  'a lost DCS: the primary demotes itself, nobody takes its place, and it is back once etcd is',
  async () => {
    using place = new Workplace('docker');
    await passes(place, 'patroni/dcs-lost', { lasts: '10s', writes: 10 });
    expect(writesOutMs(place).direct).toBeGreaterThan(1_000);
    const steps = place.report().timeline.flatMap((event) => (event.type === 'failover' ? [event.step] : []));
    expect(steps).not.toContain('promoted');
  },
  LIMIT_MS,
);

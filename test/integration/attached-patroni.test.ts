/** A cluster under a Patroni that pgquake has not made, attached by one REST address. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';
import { StandingPatroni } from '../support/standing-patroni.ts';

const missing = await dockerMissing(import.meta.filename);

const PRIMARY_LOST = `name: patroni-by-hand
summary: The leader's container is killed; its standby takes over within what ttl promises.
cluster: { attach: inventory.yaml, confirm: shop }
workload: { use: ledger, read: { rate: 20/s }, scan: { rate: 1/s }, write: { rate: 20/s } }
probes: { rate: 10/s }
steady-state: { for: 1s }
faults:
  - { fault: node-kill, target: { role: primary }, at: 0s, for: 26s }
settle: { within: 60s }
hypothesis:
  - { check: within-promise }
  - { check: failover-time, max: 40s }
  - { check: healed }
`;

describe.skipIf(missing !== undefined)('under a Patroni of somebody else', () => {
  let cluster: StandingPatroni;
  let place: Workplace;

  beforeAll(async () => {
    cluster = await StandingPatroni.start();
    place = new Workplace();
    writeFileSync(join(place.folder, 'inventory.yaml'), cluster.inventory());
  });

  afterAll(async () => {
    place?.[Symbol.dispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const pgquake = (...args: string[]) => place.start(args, { PGPASSWORD: cluster.password }).ended;

  test('members and settings are read from one address', async () => {
    const { code, stdout, stderr } = await pgquake('attach', 'check', 'inventory.yaml');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('shop  engine patroni, 2 nodes');
    expect(stdout).toMatch(/standby, streaming/);
    expect(stdout).toMatch(/^scenarios that fit +.*primary-kill/m);
    const plan = await pgquake('primary-kill', '--attach', 'inventory.yaml', '--dry-run');
    expect(plan.stdout).toContain(`docker kill ${cluster.name}-a`);
  });

  test('a node that is no member of it is refused by name', async () => {
    writeFileSync(join(place.folder, 'half.yaml'), cluster.inventory().replace(/^ {2}db-b:.*\n/m, ''));
    const { code, stdout } = await pgquake('attach', 'check', 'half.yaml');
    expect(code).toBe(4);
    expect(stdout).toContain('Patroni lists the member member_b at');
  });

  test('its leader is killed, and what its settings promise is kept', async () => {
    const { code, stderr } = await pgquake(place.scenario('patroni-by-hand', PRIMARY_LOST), '--reports', place.reports);
    expect(stderr).toBe('');
    expect([0, 2]).toContain(code);
    const seen = Object.fromEntries(place.report().results.map(({ check, judgement }) => [check, judgement]));
    expect(seen).toMatchObject({ 'within-promise': 'pass', healed: 'pass', 'fault-took-effect': 'pass' });
    const [act] = place.report().acts;
    expect(act?.targets).toHaveLength(1);
    await using session = await cluster.connect(act?.targets[0] === 'db-a' ? 1 : 0);
    const [row] = await session.query('SELECT pg_is_in_recovery()', [], { timeoutMs: 5_000 });
    expect(row).toEqual([false]);
  });
});

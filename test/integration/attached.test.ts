/** A cluster that pgquake has not made: a primary and a standby by Debian's own tools, described by an inventory. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';
import { StandingPair } from '../support/standing-pair.ts';

const missing = await dockerMissing('test/integration/attached.test.ts');

const OWN_STATEMENTS = `
workload:
  use: sql
  operations:
    - { name: place-order, sql: "INSERT INTO orders (id, customer) VALUES ($1, $2)", params: [uuid(), "uniform(1, 100)"], acknowledges: $1, rate: 50/s, deadline: 2s }
    - { name: read-orders, sql: "SELECT count(*) FROM orders WHERE customer = $1", params: ["uniform(1, 100)"], rate: 50/s, deadline: 2s }
    - { name: rename-customer, sql: "UPDATE customers SET name = $2 WHERE id = $1", params: ["uniform(1, 100)", "pick([Ada, Grace])"], rate: 20/s, deadline: 2s }
  verify: SELECT id FROM orders
`;

const PRIMARY_KILL = `name: own-primary-kill
summary: The primary is killed; nobody takes its place, and no acknowledged order is lost.
cluster: { attach: inventory.yaml, confirm: orders }
${OWN_STATEMENTS}
steady-state: { for: 1s }
faults:
  - { fault: node-kill, target: { role: primary }, at: 0s, for: 2s }
settle: { within: 15s }
hypothesis:
  - { check: no-lost-writes }
  - { check: outage, of: place-order, max: 20s }
  - { check: healed }
`;

describe.skipIf(missing !== undefined)('a cluster of an inventory', () => {
  let pair: StandingPair;
  let place: Workplace;

  beforeAll(async () => {
    pair = await StandingPair.start();
    place = new Workplace();
    writeFileSync(join(place.folder, 'inventory.yaml'), pair.inventory());
    await using session = await pair.connect(0);
    await session.execute(`CREATE TABLE orders (id uuid PRIMARY KEY, customer int NOT NULL);
      CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
      INSERT INTO customers SELECT i, 'a name' FROM generate_series(1, 100) AS i`);
  });

  afterAll(async () => {
    place?.[Symbol.dispose]();
    await pair?.[Symbol.asyncDispose]();
  });

  function pgquake(...args: string[]): Promise<Ended> {
    return place.start(args, { ORDERS_PASSWORD: pair.password }).ended;
  }

  /** Rows come and go; what is kept of them is not compared. */
  async function schema(): Promise<string> {
    return (await pair.dump()).replace(/^COPY [\s\S]*?^\\\.\r?$/gm, '');
  }

  test('its primary is killed through its container and judged by the statements of its own', async () => {
    const before = await schema();
    expect(before).toContain('CREATE TABLE public.orders');
    const { code, stdout, stderr } = await pgquake(
      place.scenario('own-primary-kill', PRIMARY_KILL),
      '--reports',
      place.reports,
    );
    expect(stderr).toBe('');
    expect(stdout).toContain('the cluster orders is let go of, and goes on running');
    // On a busy machine nothing is held against the cluster; what is there is there all the same.
    expect([0, 2]).toContain(code);
    const { results } = place.report();
    const states = Object.fromEntries(results.map(({ check, judgement }) => [check, judgement]));
    expect(states).toMatchObject({ 'no-lost-writes': 'pass', healed: 'pass', 'fault-took-effect': 'pass' });
    expect(await schema()).toBe(before);
    expect(filesWith(place.folder, pair.password)).toEqual([]);
    expect((await pair.inspect(0)).HostConfig.RestartPolicy).toMatchObject({ Name: 'unless-stopped' });
  });
});

/** The files below a folder in which a text stands. */
function filesWith(folder: string, text: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(5);
  return files.map((entry) => join(entry.parentPath, entry.name)).filter((file) => readFileSync(file).includes(text));
}

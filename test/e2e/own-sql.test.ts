/** Statements of one's own on real servers: judged, accounted for by a query of keys, and refused where no server takes them. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LedgerFigures } from '../../src/model/report.ts';
import { readRun } from '../../src/store.ts';
import { Workplace } from '../support/cli.ts';

const SETUP = `CREATE TABLE payments (id bigint PRIMARY KEY, cents int NOT NULL);
INSERT INTO payments SELECT -i, 100 FROM generate_series(1, 100) AS i;
`;

function scenario(
  place: Workplace,
  { more = '', faults = '[]', pay = 'INSERT INTO payments VALUES ($1, $2)' } = {},
): string {
  writeFileSync(join(place.folder, 'shop.sql'), SETUP);
  return place.scenario(
    'shop',
    `name: shop
summary: A shop of our own.
cluster: { workers: 1, replication: 1, shards: 1, engine: native }
workload:
  use: sql
  setup: shop.sql
  operations:
    - name: pay
      sql: ${pay}
      params:
        - sequence()
        - uniform(1, 1000)
      acknowledges: $1
      rate: 30/s
    - name: sum
      sql: SELECT sum(cents) FROM payments
      rate: 20/s
${more}  verify: SELECT id FROM payments
probes: { rate: 10/s }
steady-state: { for: 1s }
faults: ${faults}
settle: { within: 300ms }
hypothesis:
  - { check: no-lost-writes }
  - { check: no-unexpected-rows }
  - { check: availability, of: sum, during: steady-state, min: 90% }
`,
  );
}

const results = (place: Workplace) =>
  Object.fromEntries(place.report().results.map(({ check, judgement }) => [check, judgement]));

test('its operations are judged, and no acknowledged write is lost when the coordinator stops for a second', async () => {
  using place = new Workplace();
  const faults = '[{ fault: node-stop, target: coordinator, for: 1s }]';
  const { code, stdout, stderr } = await place.runJudged([scenario(place, { faults })]);
  expect(code, stdout + stderr).toBeLessThanOrEqual(2);
  const { run, ledger, figures, finding } = place.report();
  expect(results(place)).toMatchObject({
    'no-lost-writes': 'pass',
    'no-unexpected-rows': 'pass',
    'fault-took-effect': 'pass',
  });
  expect(run.kinds.map(({ name, access }) => [name, access])).toEqual([
    ['pay', 'write'],
    ['sum', 'read'],
  ]);
  expect((ledger as LedgerFigures).acknowledged).toBeGreaterThan(20);
  expect(ledger?.unverifiedReads).toBe(true);
  expect(figures.windows.some(({ kind, type }) => kind === 'pay' && type === 'outage')).toBe(true);
  expect(finding).not.toMatch(/message/);
  // What pgquake itself does to nodes is never told as somebody else's act.
  expect(place.report().timeline.filter((event) => event.type === 'node-changed')).toEqual([]);
  expect(finding).not.toContain('not by pgquake');
  expect(place.leftovers()).toEqual([]);
});

test('a write that was acknowledged and is gone is found, by its key, with SQL to look again', async () => {
  using place = new Workplace();
  const more = `    - name: forget
      sql: DELETE FROM payments WHERE id = $1
      params:
        - sequence()
      rate: 2/s
`;
  const { code, stdout } = await place.runJudged([scenario(place, { more })]);
  expect(code, stdout).toBe(1);
  expect(results(place)['no-lost-writes']).toBe('fail');
  const { lost } = place.report().ledger as LedgerFigures;
  expect(place.report().finding).toMatch(/acknowledged writes? (was|were) lost/);
  expect(place.report().finding).not.toMatch(/message/);
  expect(lost.witnesses).toContain('1:1');
  expect(lost.sql?.[0]).toMatch(
    /FROM \(SELECT id FROM payments\) AS verified \(key\) WHERE \(1, substring\(key::text FROM '.*'\)::numeric - 0\) IN \(\(1, 1\)/,
  );
});

const TEXTS = `name: texts
summary: Keys that are text, on a cluster whose roles move.
cluster: { members: 3, manager: by-hand, synchronous: on }
workload:
  use: sql
  setup: texts.sql
  operations:
    - name: pay
      sql: INSERT INTO payments VALUES ($1, $2, $3)
      params:
        - uuid()
        - pick([north, 'south, west', "it's"])
        - uniform(1, 1000)
      acknowledges: $1
      rate: 30/s
    - name: ask
      sql: SELECT sum(cents) FROM payments WHERE shop = $1
      params:
        - pick([north, 'south, west'])
      rate: 20/s
      route: standby
  verify: SELECT id FROM payments; -- all of them
probes: { rate: 10/s }
steady-state: { for: 1s }
faults:
  - { fault: node-kill, target: { role: primary }, for: 3s }
settle: { within: 15s }
hypothesis:
  - { check: no-lost-writes }
  - { check: no-unexpected-rows }
  - { check: replicas-agree }
`;

test('text keys and reads by another route on a cluster whose roles move: every copy is read, and reports say the routes', async () => {
  using place = new Workplace();
  writeFileSync(
    join(place.folder, 'texts.sql'),
    `CREATE TABLE payments (id text PRIMARY KEY, shop text NOT NULL, cents int NOT NULL);
     INSERT INTO payments SELECT 'old-' || i, 'north', 100 FROM generate_series(1, 50) AS i;`,
  );
  const { code, stdout, stderr } = await place.runJudged([place.scenario('texts', TEXTS)]);
  expect(code, stdout + stderr).toBeLessThanOrEqual(2);
  const { run, ledger, figures } = place.report();
  expect(results(place)).toMatchObject({
    'no-lost-writes': 'pass',
    'no-unexpected-rows': 'pass',
    'replicas-agree': 'pass',
  });
  expect(run.kinds.map(({ name, route }) => [name, route])).toEqual([
    ['pay', 'direct'],
    ['ask', 'standby'],
  ]);
  expect(stdout).toMatch(/ask by route standby +100 % ok during the fault/);
  const { events } = (await readRun(join(place.reports, 'latest'))).history;
  const read = (type: 'placement-read' | 'fork-read') =>
    events.flatMap((event) => (event.type === type ? [`${event.node}: ${event.read.rows > 20}`] : [])).toSorted();
  expect(read('placement-read')).toEqual(['pg1: true', 'pg2: true', 'pg3: true']);
  // What the killed primary had is read before its data are replaced.
  expect(read('fork-read')).toEqual(['pg1: true']);
  expect((ledger as LedgerFigures).acknowledged).toBeGreaterThan(20);
  expect(figures.roles?.takeovers).toHaveLength(1);
  expect(place.leftovers()).toEqual([]);
});

test.each([
  ['an unknown function', 'INSERT INTO payments VALUES ($1, centz($2))', 'function centz'],
  ['an unknown table', 'INSERT INTO paiments VALUES ($1, $2)', 'relation "paiments" does not exist'],
])('%s is refused by the server, before the load, with its place', async (_, pay, message) => {
  using place = new Workplace();
  const { code, stdout, stderr } = await place.run([scenario(place, { pay })]);
  expect(code, stdout + stderr).toBe(3);
  expect(stdout + stderr).toMatch(/shop\.yaml:9:12 workload\.operations\[0\]\.sql: the server did not accept it: /);
  expect(stdout + stderr).toContain(message);
  expect(place.report().run.plannedActs).toBe(0);
  expect(place.report().figures.availability.every(({ figures }) => figures.intended === 0)).toBe(true);
  expect(place.leftovers()).toEqual([]);
});

test('a setup that fails is refused with its place', async () => {
  using place = new Workplace();
  const file = scenario(place);
  writeFileSync(join(place.folder, 'shop.sql'), `${SETUP}SELECT 1 / 0;\n`);
  const { code, stdout, stderr } = await place.run([file]);
  expect(code).toBe(3);
  expect(stdout + stderr).toMatch(
    /shop\.yaml:6:10 workload\.setup: the server did not run shop\.sql: .*division by zero/,
  );
  expect(place.leftovers()).toEqual([]);
});

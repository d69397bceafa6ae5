/** Statements of one's own: their parameters, what is refused and where, and which write a key tells of. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { choose } from '../../src/choose.ts';
import { judge } from '../../src/judge.ts';
import { findingSentence } from '../../src/report.ts';
import { completed } from '../../src/scenario/complete.ts';
import { loadScenario } from '../../src/scenario/load.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { generator, keyOfUuid, parseGenerator, uuidOf } from '../../src/workloads/sql/generators.ts';
import { keyFrom } from '../../src/workloads/sql/verify.ts';
import { sql } from '../../src/workloads/sql.ts';
import { ledgerOf } from '../../src/workloads/workload.ts';
import { FakeSession } from '../support/fake-session.ts';
import { buildHistory, KINDS, REFUSED } from '../support/history-builder.ts';

const folder = mkdtempSync(join(tmpdir(), 'pgquake-sql-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(
  join(folder, 'good.sql'),
  'CREATE TABLE t (id bigint PRIMARY KEY, a int);\nINSERT INTO t VALUES (-1, 2);\n',
);
writeFileSync(join(folder, 'bad.sql'), 'CREATE TABLE t (id int);\nINSRT INTO t VALUES (1);\n');

const PAY = 'name: pay, sql: "INSERT INTO t VALUES ($1, $2)", params: ["sequence()", "uniform(1, 9)"], rate: 10/s';

function withWorkload(workload: string, hypothesis = 'check: availability, of: pay, min: 1%'): string {
  return `name: mine\nsummary: Mine.\nworkload:\n  use: sql\n${workload}hypothesis: [{ ${hypothesis} }]\n`;
}

async function problems(text: string): Promise<string> {
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, text);
  const sources = { vocabulary: shipped, folders: [] };
  const error = await loadScenario(file, sources).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  return (error?.message ?? '').replaceAll(/^\S*mine\.yaml:/gm, '');
}

const refused = (operation: string, more = '') =>
  problems(withWorkload(`${more}  operations:\n    - { ${operation} }\n`));

describe('what is right', () => {
  test('is accepted, with the setup read and its kinds of operation known', async () => {
    const text = withWorkload(
      `  setup: good.sql\n  operations:\n    - { ${PAY}, acknowledges: $1 }\n    - { name: ask, sql: SELECT 1, rate: 5/s, deadline: 1s }\n  verify: SELECT id FROM t\n`,
      'check: no-lost-writes',
    );
    expect(await problems(text)).toBe('');
    const scenario = await completed(parseScenario(text, join(folder, 'mine.yaml'), shipped), shipped.workloads);
    expect(scenario.workload.params).toMatchObject({ setupText: expect.stringContaining('CREATE TABLE t') });
    expect(sql.kinds(scenario.workload.params as never)).toEqual([
      { name: 'pay', access: 'write', scope: 'all', ratePerSecond: 10, deadlineMs: 2_000 },
      { name: 'ask', access: 'read', scope: 'all', ratePerSecond: 5, deadlineMs: 1_000 },
    ]);
    expect(await completed(scenario, shipped.workloads)).toEqual(scenario);
  });
});

describe('what is wrong is refused with its place', () => {
  test.each([
    [
      'a statement that does not parse',
      PAY.replace('INSERT INTO', 'INSRT INTO'),
      /^6:\d+ workload\.operations\[0\]\.sql: PostgreSQL cannot parse it: syntax error at or near "INSRT", at line 1, column 1 of it$/,
    ],
    [
      'a parameter too many',
      PAY.replace('["sequence()", ', '["sequence()", "uuid()", '),
      /^6:\d+ .*sql: params has 3 values, but it does not use \$3$/,
    ],
    ['a parameter too few', PAY.replace(', "uniform(1, 9)"', ''), /sql: it has \$2, but params has 1 value$/],
    [
      'an unknown function',
      PAY.replace('uniform(1, 9)', 'uniforn(1, 9)'),
      /^6:\d+ .*params\[1\]: expected one of uniform, sequence, pick, uuid, found "uniforn"; did you mean "uniform"\?$/,
    ],
    [
      'a range that is none',
      PAY.replace('uniform(1, 9)', 'uniform(9, 1)'),
      /expected uniform\(min, max\), found "uniform\(9, 1\)"$/,
    ],
    [
      'a list that commas cut',
      PAY.replace('"uniform(1, 9)"', 'uniform(1, 9)'),
      /in a one-line list, commas split it; put quotes around it/,
    ],
    ['two statements', PAY.replace('($1, $2)', '($1, $2); SELECT 1'), /sql: expected one statement, found 2$/],
    [
      'a statement that no server prepares',
      'name: pay, sql: " -- now\\n vacuum t", rate: 1/s',
      /sql: expected a SELECT, INSERT, UPDATE, DELETE or MERGE, found VACUUM; statements to run once belong in "setup"$/,
    ],
    ['a copy to the client', 'name: pay, sql: COPY t TO STDOUT, rate: 1/s', /DELETE or MERGE, found COPY;/],
    [
      'a statement that makes a table',
      'name: pay, sql: SELECT 1 AS a INTO u, rate: 1/s',
      /found one that creates a table/,
    ],
    ['a parameter that is none', 'name: pay, sql: SELECT $0, rate: 1/s', /it has \$0, but parameters count from \$1$/],
    [
      'a list with a quote that does not end',
      PAY.replace('uniform(1, 9)', "pick(['a, b])"),
      /params\[1\]: expected pick\(\[a, b\]\), found/,
    ],
    ['a transaction', 'name: pay, sql: BEGIN, rate: 1/s', /expected a statement that is its own transaction/],
    ['a read that writes', `${PAY}, access: read`, /it changes or locks rows: expected "access: write"$/],
    [
      'a key that repeats',
      `${PAY}, acknowledges: $2`,
      /acknowledges: expected a parameter with unique values, sequence\(\) or uuid\(\), found \$2: uniform\(1, 9\)/,
    ],
    ['a key without verify', `${PAY}, acknowledges: $1`, /acknowledges: expected "verify" beside the operations/],
    [
      'a route that is not there',
      `${PAY}, route: standbi`,
      /^6:\d+ workload\.operations\[0\]\.route: there is no route "standbi"; known: coordinator/,
    ],
    ['an unknown key', `${PAY}, rat: 1/s`, /unknown key "rat"; did you mean "rate"\?/],
  ])('%s', async (_, operation, message) => {
    expect(await refused(operation)).toMatch(message);
  });

  test.each([
    [
      'a setup that is not there',
      '  setup: gone.sql\n',
      /^5:\d+ workload\.setup: cannot read gone\.sql: .*its path is relative to the folder of the scenario$/,
    ],
    [
      'a setup that does not parse',
      '  setup: bad.sql\n',
      /workload\.setup: bad\.sql:2:1 syntax error at or near "INSRT"; the file must be SQL without psql commands/,
    ],
    ['verify without a key', '  verify: SELECT id FROM t\n', /verify: expected an operation with "acknowledges: \$1"/],
  ])('%s', async (_, more, message) => {
    expect(await refused(PAY, more)).toMatch(message);
  });

  test('a setup of too many bytes, though of fewer characters', async () => {
    writeFileSync(join(folder, 'long.sql'), `CREATE TABLE t (id int); -- ${'é'.repeat(5_000_000)}`);
    expect(await refused(PAY, '  setup: long.sql\n')).toMatch(
      /workload\.setup: expected at most 10000000 bytes in long\.sql, found 10000028$/,
    );
  });

  test.each([
    ['DELETE FROM t', /verify: expected one SELECT that returns the keys/],
    ['SELECT', /verify: expected one SELECT that returns the keys/],
    ['SELECT id INTO u FROM t', /verify: expected a SELECT that returns the keys, found one that creates a table/],
    ['SELECT id FORM t WHERE', /verify: PostgreSQL cannot parse it: .*, at line 1, column 16 of it$/],
    ['SELECT id FROM t WHERE id > $1', /verify: expected a SELECT without parameters$/],
  ])('a query of keys that is none: %s', async (verify, message) => {
    expect(await refused(`${PAY}, acknowledges: $1`, `  verify: ${verify}\n`)).toMatch(message);
  });

  test.each(['VALUES (1)', 'SELECT id FROM t UNION SELECT 2', 'TABLE t', 'SELECT id FROM t; -- all of it'])(
    'a query of keys that is one: %s',
    async (verify) => {
      expect(await refused(`${PAY}, acknowledges: $1`, `  verify: "${verify}"\n`)).toBe('');
    },
  );

  test('a check that needs what nobody gives', async () => {
    const operations = `  operations:\n    - { ${PAY} }\n`;
    const asked = (check: string) => problems(withWorkload(operations, `check: ${check}`));
    expect(await asked('no-lost-writes')).toMatch(
      /^7:\d+ .*it needs a workload that accounts for its rows; .*use: sql with "verify"/,
    );
    expect(await asked('replicas-agree')).toMatch(/it needs a workload whose rows can be read on every copy/);
    const accounted = `  operations:\n    - { ${PAY}, acknowledges: $1 }\n  verify: SELECT id FROM t\n`;
    const text = withWorkload(accounted, 'check: replicas-agree');
    expect(await problems(text)).toMatch(/use: sql with "verify" on a cluster with "members"/);
    expect(await problems(text.replace('workload:', 'cluster: { members: 2 }\nworkload:'))).toBe('');
    const storage = text
      .replace('replicas-agree', 'storage-overhead, max: 3')
      .replace('workload:', 'cluster: { members: 2 }\nworkload:');
    expect(await problems(storage)).toMatch(/it needs a workload whose tables pgquake creates/);
  });
});

describe('parameters', () => {
  const random = () => 0.5;

  test.each([
    ['pick([a, b])', ['a', 'b']],
    ["pick(['a, b', c])", ['a, b', 'c']],
    [`pick(["it's", 'it''s'])`, ["it's", "it's"]],
    ["pick([it's, 10 %])", ["it's", '10 %']],
    ["pick([''])", ['']],
  ])('%s picks one of its items', (text, of) => {
    expect(parseGenerator(text)).toEqual({ name: 'pick', of });
  });

  test('a key of somebody else is none of a sequence, however much it looks like a number', () => {
    const keys = { name: 'sequence', first: 10 } as const;
    for (const text of ['old-12', '', ' 12', '12abc', '1e3', '0x10', '12.5', '-12', '9']) {
      expect(keyFrom(text, keys), text).toBeUndefined();
    }
    for (const text of ['12', '12.00']) expect(keyFrom(text, keys)).toEqual({ writer: 1, seq: 3 });
  });

  test.each(['pick([])', 'pick([a,, b])', 'pick([a, ])', "pick(['a' b])", "pick(['a)", 'pick(a, b)'])(
    '%s is refused',
    (text) => {
      expect(parseGenerator(text)).toHaveProperty('problem');
    },
  );

  test('are what they say', () => {
    expect([1, 2, 3].map((n) => generator('sequence()', 1)(n, random))).toEqual([1, 2, 3]);
    expect(generator('sequence(5000)', 1)(3, random)).toBe(5_002);
    expect(generator('uniform(1, 1000)', 1)(1, random)).toBe(501);
    expect(generator('uniform(0.5, 1)', 1)(1, random)).toBe(0.75);
    expect(generator("pick([a, 'b, or c', 3])".replace(', or c', ''), 1)(1, random)).toBe('b');
    expect(parseGenerator('pick([])')).toHaveProperty('problem');
  });

  test('uniform never leaves its range', () => {
    const inRange = (min: number, size: number, share: number) => {
      const value = Number(generator(`uniform(${min}, ${min + size})`, 1)(1, () => share));
      return value >= min && value <= min + size && Number.isInteger(value);
    };
    fc.assert(
      fc.property(
        fc.integer({ min: -1e6, max: 1e6 }),
        fc.nat(1e6),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        inRange,
      ),
    );
  });

  test('a UUID tells which write made it, and one of others does not', () => {
    const writer = fc.nat(4_095);
    const seq = fc.integer({ min: 1, max: 2 ** 40 });
    fc.assert(
      fc.property(writer, seq, (w, s) => {
        expect(keyOfUuid(uuidOf(w, s))).toEqual({ writer: w, seq: s });
      }),
    );
    fc.assert(fc.property(fc.uuid(), (uuid) => keyOfUuid(uuid) === undefined));
    expect(uuidOf(1, 42)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]001-00000000002a$/);
  });
});

describe('the query of keys', () => {
  const paramsWith = (key: string) =>
    sql.params.parse({
      operations: [{ name: 'pay', sql: 'INSERT INTO t VALUES ($1)', params: [key], acknowledges: '$1', rate: '1/s' }],
      verify: 'SELECT id FROM t;',
    });
  const read = (key: string, rows: readonly string[]) => {
    const params = paramsWith(key);
    const ledger = ledgerOf(sql, params);
    if (!ledger) throw new Error('no ledger');
    const session = new FakeSession();
    session.answer = async () => rows.map((row) => [row]);
    return ledger.readAll(session.asSession(), ledger.table, params, 1_000);
  };

  test('counts what the run can have written, each key once, and nothing else', async () => {
    expect(await read('sequence(100)', ['7', '100', '101', '101', '104', '-3', 'x'])).toEqual({
      rows: 4,
      present: { '1': '1-2,5' },
      duplicated: ['1:2'],
      corrupted: [],
    });
    const others = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    expect(await read('uuid()', [uuidOf(1, 3), others, uuidOf(1, 4)])).toMatchObject({
      rows: 2,
      present: { '1': '3-4' },
    });
  });

  test('names the keys that operations carry', () => {
    const run = sql.start(paramsWith('sequence(100)'), 1);
    expect([run.next('pay').key, run.next('pay').key]).toEqual(['1:1', '1:2']);
  });
});

test("with the engine native a fault on a worker is refused: it does not reach one's own tables", async () => {
  const faults = (target: string) => `faults: [{ fault: node-stop, target: ${target}, for: 1s }]\n`;
  const chosen = (target: string) => {
    const text = `${faults(target)}${withWorkload(`  operations:\n    - { ${PAY} }\n`)}`;
    const scenario = parseScenario(text, 'mine.yaml', shipped);
    const acts = [{ fault: 'node-stop' }];
    const { engines } = shipped;
    const platforms = [
      {
        name: 'x',
        summary: '',
        capabilities: new Set(shipped.faults.flatMap(({ needs }) => needs)),
        unavailable: async () => undefined,
        offers: async () => false,
      },
    ] as never;
    return choose(
      { ...shipped, platforms, engines },
      { scenario: { ...scenario, cluster: { ...scenario.cluster, engine: 'native' } }, acts },
    );
  };
  await expect(chosen('worker1')).rejects.toThrow(
    /^mine\.yaml:1:\d+ node-stop: with the engine native your own tables are on the coordinator alone/,
  );
  await expect(chosen('coordinator')).resolves.toMatchObject({ engine: { name: 'native' } });
});

test('a finding calls operations by the names that their author gave them', () => {
  const kinds = KINDS.map((kind) => (kind.name === 'write' ? { ...kind, name: 'pay' } : kind));
  const history = buildHistory({
    kinds,
    answer: ({ kind, intendedAt }) =>
      kind === 'pay' && intendedAt > 5_000 && intendedAt < 6_500 ? REFUSED : undefined,
  });
  const words = findingSentence(history, judge(history, [], shipped.checks));
  expect(words).toMatch(/pay operations failed for/);
});

/** A session on one real server in a container, without a cluster around it. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Address } from '../../src/model/address.ts';
import { DeadlineError, Session } from '../../src/sql/session.ts';
import { dockerMissing, engine, oneServer } from '../support/docker.ts';

const missing = await dockerMissing('test/integration/docker-session.test.ts');
const OPTIONS = { applicationName: 'session-test', connectTimeoutMs: 5_000 };

describe.skipIf(missing !== undefined)('a session on a server in a container', () => {
  let server: Awaited<ReturnType<typeof oneServer>>;
  let address: Address;

  beforeAll(async () => {
    server = await oneServer();
    address = server.address;
  });

  afterAll(async () => {
    if (!server) return;
    await server[Symbol.asyncDispose]();
    await expect(engine.getContainer(server.id).inspect()).rejects.toMatchObject({ statusCode: 404 });
  });

  test('runs statements with its settings and its name', async () => {
    await using session = await Session.connect(address, { ...OPTIONS, settings: { statement_timeout: '1234' } });
    expect(await session.query('SELECT $1::int + 1, $2::text', [41, 'x'])).toEqual([[42, 'x']]);
    expect(
      await session.query(`SELECT current_setting('statement_timeout'), current_setting('application_name')`),
    ).toEqual([['1234ms', 'session-test']]);
  });

  test('values go and come as they are: numbers, texts, arrays, dates, nothing', async () => {
    await using session = await Session.connect(address, OPTIONS);
    const date = new Date('2026-02-03T04:05:06.789Z');
    const values = [42, 'naïve', [1, 2], ['a', 'b"c'], date, null, true];
    const text = 'SELECT $1::int, $2::text, $3::int[], $4::text[], $5::timestamptz, $6::text, $7::bool';
    expect(await session.query(text, values)).toEqual([values]);
    expect(await session.query(text, values, { name: 'values' })).toEqual([values]);
    expect(await session.query(text, values, { name: 'values' })).toEqual([values]);
  });

  test('a named statement is prepared once, and its rows described once', async () => {
    await using session = await Session.connect(address, OPTIONS);
    const one = (n: number) => session.query('SELECT $1::int AS n, now() IS NULL', [n], { name: 'one' });
    for (const n of [1, 2, 3]) expect(await one(n)).toEqual([[n, false]]);
    expect(await session.query('SELECT name FROM pg_prepared_statements')).toEqual([['one']]);
    await expect(session.query('SELECT 2', [], { name: 'one' })).rejects.toThrow(
      '"one" is the name of another statement on this connection',
    );
    expect(await one(4)).toEqual([[4, false]]);
  });

  test('a named statement that failed can be sent again: unknown to the server, or refused for its values', async () => {
    await using session = await Session.connect(address, OPTIONS);
    const from = (n: number) => session.query('SELECT 10 / n FROM later WHERE n = $1', [n], { name: 'from' });
    await expect(from(2)).rejects.toMatchObject({ code: '42P01' });
    await session.execute('CREATE TEMP TABLE later AS SELECT generate_series(0, 5) AS n');
    expect(await from(2)).toEqual([[5]]);
    await expect(from(0)).rejects.toMatchObject({ code: '22012' });
    expect(await from(5)).toEqual([[2]]);
  });

  test('an answer of any size comes whole, in pieces however cut', async () => {
    await using session = await Session.connect(address, OPTIONS);
    let rows = 0;
    let characters = 0;
    await session.forEachRow(
      "SELECT n, repeat('x', n) FROM generate_series(1, 3000) AS n",
      [],
      ([n, text]) => {
        rows++;
        if ((text as string).length === n) characters += n as number;
      },
      { timeoutMs: 30_000 },
    );
    expect({ rows, characters }).toEqual({ rows: 3_000, characters: (3_000 * 3_001) / 2 });
    const wide = 'é'.repeat(200_000);
    expect(await session.query('SELECT $1::text', [wide], { name: 'wide' })).toEqual([[wide]]);
  });

  test('statements sent without waiting for each other are answered each with its own', async () => {
    await using session = await Session.connect(address, { ...OPTIONS, pipeline: true });
    const answers = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) => session.query('SELECT 100 / $1::int', [i % 10], { name: `of-${i % 3}` })),
    );
    answers.forEach((answer, i) => {
      if (i % 10 === 0) expect(answer).toMatchObject({ status: 'rejected', reason: { code: '22012' } });
      else expect(answer).toEqual({ status: 'fulfilled', value: [[Math.trunc(100 / (i % 10))]] });
    });
  });

  test('gives the SQLSTATE of an error, and can be used on', async () => {
    await using session = await Session.connect(address, OPTIONS);
    await expect(session.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' });
    expect(session.usable).toBe(true);
    expect(await session.query('SELECT 1')).toEqual([[1]]);
  });

  test('throws the connection away at its deadline', async () => {
    await using session = await Session.connect(address, OPTIONS);
    const startedAt = performance.now();
    await expect(session.query('SELECT pg_sleep(30)', [], { timeoutMs: 200 })).rejects.toBeInstanceOf(DeadlineError);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(session.usable).toBe(false);
  });

  test('refuses a wrong password', async () => {
    await expect(Session.connect({ ...address, password: 'wrong' }, OPTIONS)).rejects.toMatchObject({ code: '28P01' });
  });

  test('notices that its server was killed', async () => {
    const session = await Session.connect(address, OPTIONS);
    const running = session.query('SELECT pg_sleep(30)', [], { timeoutMs: 20_000 });
    const failure = running.catch((error: unknown) => error);
    await engine.getContainer(server.id).kill();
    expect(await failure).toBeInstanceOf(Error);
    expect(await failure).not.toBeInstanceOf(DeadlineError);
    expect(session.usable).toBe(false);
    session.discard();
  });
});

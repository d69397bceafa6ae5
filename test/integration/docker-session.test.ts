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

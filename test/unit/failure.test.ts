/** Errors of pgquake's own sessions name the server and the statement. */

import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EnvironmentError, InputError } from '../../src/model/errors.ts';
import { NoConnectionError, SilentServerError } from '../../src/run/connections.ts';
import { withServer } from '../../src/sql/failure.ts';
import { NoHostError } from '../../src/sql/hosts.ts';
import { DeadlineError, Session } from '../../src/sql/session.ts';

let silent: Server;
let port: number;

beforeEach(async () => {
  silent = createServer(() => undefined);
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  port = (silent.address() as { port: number }).port;
});

afterEach(() => {
  silent.close();
});

function address() {
  return { host: '127.0.0.1', port, user: 'u', password: 'secret', database: 'd' };
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error,
  );
}

describe('a server that does not answer', () => {
  test('is named, by its node where there is one', async () => {
    const error = await failureOf(Session.connect(address(), { applicationName: 'test', connectTimeoutMs: 50 }));
    expect(error).toBeInstanceOf(DeadlineError);
    const told = withServer(error, [{ name: 'coordinator', host: '127.0.0.1', port }]) as Error;
    expect(told).toBeInstanceOf(EnvironmentError);
    expect(told.message).toBe(`coordinator (127.0.0.1:${port}): no answer within 50 ms when pgquake connected`);
    expect((withServer(error, []) as Error).message).toMatch(/^127\.0\.0\.1:\d+: no answer/);
  });
});

test.each([
  new NoHostError('read-write', ['127.0.0.1:5432 deadline']),
  new NoConnectionError(8),
  new SilentServerError(8),
])('no session at all is the machine owner’s business, and no bug: %s', (error) => {
  const told = withServer(error, []) as EnvironmentError;
  expect(told).toBeInstanceOf(EnvironmentError);
  expect([told.message, told.code]).toEqual([error.message, 'server-failed']);
});

test('an error that no session had is left alone', () => {
  const bug = new TypeError('x is not a function');
  expect(withServer(bug, [])).toBe(bug);
  const input = new InputError('wrong', { code: 'usage' });
  expect(withServer(input, [])).toBe(input);
});

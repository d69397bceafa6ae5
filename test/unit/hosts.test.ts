/** A list of hosts, with servers that say no more than what PostgreSQL says when a session starts. */

import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { connectToFirst, NoHostError } from '../../src/sql/hosts.ts';

const OPTIONS = { applicationName: 'test', connectTimeoutMs: 5_000 };
const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const OK = message('R', Buffer.from([0, 0, 0, 0]));
const READY = message('Z', Buffer.from('I'));
const status = (name: string, value: string) => message('S', Buffer.from(`${name}\0${value}\0`));
const refusal = (code: string) => message('E', Buffer.from(`SERROR\0VERROR\0C${code}\0Mno\0\0`));

interface Fake {
  readonly address: { host: string; port: number; user: string; password: string; database: string };
  sessions: number;
}

/** @param greeting what it sends once it was greeted; nothing where it is frozen. */
async function fake(greeting: Buffer | undefined, answer?: Buffer): Promise<Fake> {
  const known = { sessions: 0 };
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      known.sessions++;
      if (greeting) socket.write(greeting);
      if (answer) socket.on('data', () => socket.write(answer));
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  return Object.assign(known, { address: { host: '127.0.0.1', port, user: 'u', password: 'p', database: 'd' } });
}

const primary = () => fake(Buffer.concat([OK, status('in_hot_standby', 'off'), READY]));
const standby = () => fake(Buffer.concat([OK, status('in_hot_standby', 'on'), READY]));
const closed = { host: '127.0.0.1', port: 1, user: 'u', password: 'p', database: 'd' };

test('a session for writing goes to the first that takes writes, whatever comes before it', async () => {
  const readOnly = await fake(
    Buffer.concat([OK, status('in_hot_standby', 'off'), status('default_transaction_read_only', 'on'), READY]),
  );
  const [asStandby, first, second] = [await standby(), await primary(), await primary()];
  const hosts = [closed, asStandby.address, readOnly.address, first.address, second.address];
  await using session = await connectToFirst(hosts, 'read-write', OPTIONS);
  expect(session.reported('in_hot_standby')).toBe('off');
  expect([asStandby.sessions, readOnly.sessions, first.sessions, second.sessions]).toEqual([1, 1, 1, 0]);
});

test('a session for reading from a standby passes the primary by', async () => {
  const [first, second] = [await primary(), await standby()];
  await using session = await connectToFirst([first.address, second.address], 'standby', OPTIONS);
  expect(session.reported('in_hot_standby')).toBe('on');
});

test('a server that is frozen costs a second, and not all of the time', async () => {
  const frozen = await fake(undefined);
  const next = await primary();
  const startedAt = performance.now();
  await using _session = await connectToFirst([frozen.address, next.address], 'read-write', OPTIONS);
  const tookMs = performance.now() - startedAt;
  expect(tookMs).toBeGreaterThan(900);
  expect(tookMs).toBeLessThan(3_000);
});

test('without any that fits, the error says what each of them said', async () => {
  const asStandby = await standby();
  const error: unknown = await connectToFirst([closed, asStandby.address], 'read-write', OPTIONS).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(NoHostError);
  expect(error).toMatchObject({
    code: 'no-host',
    message: `no host takes writes: 127.0.0.1:1 ECONNREFUSED, 127.0.0.1:${asStandby.address.port} is a standby`,
  });
});

test('one host that need not be anything is connected to as ever: its error is the error', async () => {
  await expect(connectToFirst([closed], 'any', OPTIONS)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a session that was to write is not used again once a write is refused as read-only; another one is', async () => {
  const greeting = Buffer.concat([OK, status('in_hot_standby', 'off'), READY]);
  const refusing = await fake(greeting, Buffer.concat([refusal('25006'), READY]));
  const usable = async (accepts: 'any' | 'read-write') => {
    await using session = await connectToFirst([refusing.address], accepts, OPTIONS);
    await expect(session.query('INSERT', [], { timeoutMs: 2_000 })).rejects.toMatchObject({ code: '25006' });
    return session.usable;
  };
  expect(await usable('read-write')).toBe(false);
  expect(await usable('any')).toBe(true);
});

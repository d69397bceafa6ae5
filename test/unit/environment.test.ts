/** What a run does is the scenario's to say: nothing of it comes from variables that happen to be set. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { composeEnvironment } from '../../src/platforms/docker/compose-command.ts';
import { serverEnvironment } from '../../src/platforms/local/account.ts';

const SESSION = resolve(import.meta.dirname, '../../src/sql/session.ts');

/** What libpq, psql or `pg` obey. */
const HOSTILE: Readonly<Record<string, string>> = {
  PGOPTIONS: '-c default_transaction_read_only=on -c statement_timeout=3ms',
  PGREPLICATION: 'database',
  PGCLIENT_ENCODING: 'LATIN1',
  PGBINARY: 'true',
  NODE_PG_FORCE_NATIVE: '1',
  PGDATESTYLE: 'German',
  PGTZ: 'Asia/Tokyo',
  PGSSLMODE: 'require',
  PGSSLNEGOTIATION: 'direct',
  PGAPPNAME: 'somebody',
  PGFALLBACK_APPLICATION_NAME: 'somebody',
  PGUSER: 'somebody',
  PGPASSWORD: 'secret',
  PGPASSFILE: '/dev/null',
  PGDATABASE: 'elsewhere',
  PGHOST: 'elsewhere',
  PGPORT: '1',
  PGCONNECT_TIMEOUT: '1',
  PGSERVICE: 'somewhere',
  TZ: 'Asia/Tokyo',
  LC_ALL: 'tr_TR.UTF-8',
  LANG: 'tr_TR.UTF-8',
};

/** What a session sends before the server has said anything of interest: start-up packet and password. */
async function packetsSent(variables: Readonly<Record<string, string>>): Promise<string[]> {
  const packets: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (packet) => {
      packets.push(packet.toString('latin1'));
      // Asks for the password as it is, then has nothing more to ask.
      if (packets.length === 1) socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      else socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const connect = `
    const { Session } = await import(${JSON.stringify(SESSION)});
    const address = { host: '127.0.0.1', port: ${port}, user: 'owner', password: '', database: 'postgres' };
    await Session.connect(address, { connectTimeoutMs: 5_000, applicationName: 'pgquake-test' }).catch((error) => {
      if (error.code !== 'ECONNRESET' && !/terminated/.test(error.message)) throw error;
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', connect], {
    env: { PATH: process.env.PATH, ...variables },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  server.close();
  expect(code).toBe(0);
  return packets;
}

describe('a session', () => {
  test('says the same to its server whatever the environment holds', { timeout: 60_000 }, async () => {
    const usual = await packetsSent({});
    expect(usual[0]).toContain('application_name\0pgquake-test\0');
    expect(usual).toHaveLength(2);
    for (const [name, value] of Object.entries(HOSTILE)) {
      expect({ name, packets: await packetsSent({ [name]: value }) }).toEqual({ name, packets: usual });
    }
    expect(await packetsSent(HOSTILE)).toEqual(usual);
  });
});

describe('an embedded server', () => {
  test('is started with what starts a program, and nothing else', () => {
    const usual = { PATH: '/bin', LD_LIBRARY_PATH: '/lib' };
    const hostile = { ...HOSTILE, PGDATA: '/elsewhere', NODE_OPTIONS: '--inspect', LANGUAGE: 'tr', ...usual };
    expect(serverEnvironment(hostile)).toEqual({ ...usual, LC_ALL: 'C' });
  });
});

describe('Compose', () => {
  test('gets no files, profiles or proxies from the environment', () => {
    const usual = { PATH: '/bin', HOME: '/home/somebody', DOCKER_HOST: 'tcp://127.0.0.1:2375' };
    const hostile = {
      COMPOSE_FILE: 'other.yml',
      COMPOSE_PROFILES: 'all',
      COMPOSE_PROJECT_NAME: 'other',
      COMPOSE_ENV_FILES: 'other.env',
      HTTP_PROXY: 'http://proxy:3128',
      https_proxy: 'http://proxy:3128',
      ALL_PROXY: 'socks5://proxy:1080',
    };
    expect(composeEnvironment({ ...hostile, ...usual })).toEqual(usual);
  });
});

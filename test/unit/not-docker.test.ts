/** What listens where Docker should, and is something else. */

import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { projectContainers } from '../../src/platforms/docker/project.ts';
import { docker } from '../../src/platforms/docker.ts';
import { clientOf, fakeEngine } from '../support/fake-engine.ts';
import { sharded } from '../support/sharded.ts';

let server: Server | undefined;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-docker-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** @returns its address. */
async function listening(answer: RequestListener): Promise<string> {
  const listener = createServer(answer);
  server = listener;
  await new Promise<void>((started) => listener.listen(0, '127.0.0.1', started));
  return `tcp://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

describe.each([
  [200, 'hi'],
  [200, '{}'],
  [200, ''],
  [404, 'no'],
  [404, '{"message": "page not found"}'],
  [400, 'Client sent an HTTP request to an HTTPS server.'],
  [502, '<html>Bad gateway</html>'],
])('a web server that answers %i %s', (status, body) => {
  async function stub(): Promise<string> {
    const host = await listening((_, response) => response.writeHead(status).end(body));
    vi.stubEnv('DOCKER_HOST', host);
    return host;
  }
  const refusal = (host: string) => ({
    code: 'docker-unreachable',
    message: expect.stringContaining(`what answers at ${host} (DOCKER_HOST) is no Docker engine`),
    hint: expect.stringContaining('DOCKER_HOST'),
  });

  test('is called no Docker engine by every call', async () => {
    const host = await stub();
    await expect(projectContainers(DockerClient.fromEnvironment(), 'citus')).rejects.toMatchObject(refusal(host));
  });

  test('makes the platform unusable, and a run on it leaves no cluster to remove', async () => {
    const host = await stub();
    const compose = join(folder, 'docker');
    writeFileSync(compose, '#!/bin/sh\n');
    chmodSync(compose, 0o755);
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    expect(await docker.unavailable()).toMatchObject(refusal(host));
    const { nodes } = sharded({ workers: 2, replication: 1, partitions: 2 });
    const options = { nodes, settings: {}, runFolder: folder, signal: new AbortController().signal };
    await expect(docker.provision(options)).rejects.toMatchObject(refusal(host));
    expect(existsSync(join(folder, 'cluster.json'))).toBe(false);
  });
});

test('an engine that cannot say its version gives its reason', async () => {
  const host = await listening((_, response) => response.writeHead(403).end('{"message": "forbidden by the proxy"}'));
  const client = DockerClient.of({ DOCKER_HOST: host });
  await expect(client.version()).rejects.toMatchObject({ code: 'docker-refused', reason: 'forbidden by the proxy' });
});

test('calls side by side ask for the version once, and later calls not at all', async () => {
  const asked: (string | undefined)[] = [];
  const engine = fakeEngine((_, response) => response.end('[]'));
  engine.on('request', ({ url }) => asked.push(url));
  server = engine;
  const client = await clientOf(engine);
  const list = () => client.call('list', (api) => api.listContainers());
  await Promise.all([list(), list()]);
  await list();
  await client.version();
  expect(asked.filter((url) => url === '/version')).toHaveLength(1);
});

test('an engine that is late is asked again by the next call', async () => {
  let up = false;
  const host = await listening((_, response) => {
    if (up) response.setHeader('content-type', 'application/json').end('{"ApiVersion": "1.41"}');
    else response.writeHead(503).end('starting');
  });
  const client = DockerClient.of({ DOCKER_HOST: host });
  await expect(client.version()).rejects.toThrow('is no Docker engine');
  up = true;
  expect(await client.version()).toMatchObject({ ApiVersion: '1.41' });
});

test.each([
  ['tcp://127.0.0.1:99999', /: expected tcp:\/\/host:port with a port up to 65535$/, /^correct the address/],
  ['https://127.0.0.1:9', /: expected unix:\/\/, npipe:\/\/ or tcp:\/\//, /^write tcp:\/\/127.0.0.1:9, and for TLS/],
  ['http://127.0.0.1:9', /: expected unix:\/\/, npipe:\/\/ or tcp:\/\//, /^write tcp:\/\/127.0.0.1:9$/],
  ['ssh://host', /at "ssh:\/\/host"$/, /^pgquake must reach the containers directly/],
])('DOCKER_HOST=%s: the message names what is wrong with it', async (host, message, hint) => {
  vi.stubEnv('DOCKER_HOST', host);
  expect(await docker.unavailable()).toMatchObject({
    code: 'docker-configuration',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});

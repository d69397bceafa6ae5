/** What a call to the Docker engine costs beside the call itself. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import type Docker from 'dockerode';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DockerClient } from '../../src/platforms/docker/client.ts';

let engine: Server;
let client: DockerClient;

beforeEach(async () => {
  engine = createServer((_, response) => response.setHeader('content-type', 'application/json').end('[]'));
  await new Promise<void>((listening) => engine.listen(0, '127.0.0.1', listening));
  client = DockerClient.of({ DOCKER_HOST: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}` });
});

afterEach(() => {
  engine.close();
});

/** Of dockerode's transport, which describes every request with it, in full. */
function agentOf(docker: Docker): unknown {
  return (docker.modem as { agent?: unknown }).agent;
}

test('calls side by side are not described with each other’s sockets', async () => {
  const described = await client.call('list containers', async (docker, abortSignal) => {
    const calls = Array.from({ length: 20 }, () => docker.listContainers({ abortSignal }));
    // They are under way.
    await new Promise(setImmediate);
    const text = inspect(agentOf(docker), { showHidden: true, depth: null });
    await Promise.all(calls);
    return text;
  });
  expect(described).toBe('Agent');
});

/** What a call to the Docker engine costs beside the call itself. */

import type { Server } from 'node:http';
import { inspect } from 'node:util';
import type Docker from 'dockerode';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DockerClient } from '../../src/platforms/docker/client.ts';
import { clientOf, fakeEngine } from '../support/fake-engine.ts';

let engine: Server;
let client: DockerClient;

beforeEach(async () => {
  engine = fakeEngine((_, response) => response.setHeader('content-type', 'application/json').end('[]'));
  client = await clientOf(engine);
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

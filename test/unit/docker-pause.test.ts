/** A pause that the engine gives up half-way, and lets all go on. */

import type { Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { DockerNode } from '../../src/platforms/docker/node.ts';
import { clientOf, fakeEngine } from '../support/fake-engine.ts';

const RUNC_GAVE_UP = 'Cannot pause container c1: OCI runtime pause failed: unable to freeze: unknown';

let engine: Server | undefined;

afterEach(() => {
  engine?.close();
});

/** A node on an engine that refuses this often to pause, for this reason. */
async function nodeThatRefuses({ times, reason }: { times: number; reason: string }) {
  const asked = { pauses: 0 };
  let paused = false;
  const server = fakeEngine((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (!request.url?.endsWith('/pause')) {
      const State = { Running: true, Paused: paused, Status: 'running', Pid: 7, ExitCode: 0 };
      const NetworkSettings = { Ports: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: '5432' }] }, Networks: {} };
      response.end(JSON.stringify({ Name: '/c1', State, Config: { Labels: {}, Env: [] }, NetworkSettings }));
      return;
    }
    asked.pauses++;
    paused = asked.pauses > times;
    response.statusCode = paused ? 204 : 500;
    response.end(paused ? undefined : JSON.stringify({ message: reason }));
  });
  engine = server;
  const client = await clientOf(server);
  const node = await DockerNode.of({ client, name: 'pg1', containerId: 'c1', localAddresses: [] });
  return { node, asked };
}

test('is asked for again, up to five times', async () => {
  const { node, asked } = await nodeThatRefuses({ times: 4, reason: RUNC_GAVE_UP });
  await node.pause();
  expect(asked.pauses).toBe(5);
  expect(await node.state()).toBe('paused');
});

test('is an error where the engine never succeeds, in its own words', async () => {
  const { node, asked } = await nodeThatRefuses({ times: 100, reason: RUNC_GAVE_UP });
  await expect(node.pause()).rejects.toThrow('did not pause container c1: Cannot pause container c1: OCI runtime');
  expect(asked.pauses).toBe(5);
});

test('is asked for once where the engine has another reason', async () => {
  const { node, asked } = await nodeThatRefuses({ times: 1, reason: 'No such container: c1' });
  await expect(node.pause()).rejects.toThrow('No such container: c1');
  expect(asked.pauses).toBe(1);
});

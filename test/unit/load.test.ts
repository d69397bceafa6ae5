/** The run's handle on its load, with a real thread and fake servers. */

import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { Route } from '../../src/cluster/route.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import { Load, spareLoadThread } from '../../src/run/load.ts';
import { RouteFollower } from '../../src/run/route-follower.ts';

const CALM_MS = 1_000;
const ENTRY = new URL('../../src/load-thread.ts', import.meta.url);

function addressOf(port: number) {
  return { host: '127.0.0.1', port, user: 'u', password: 'p', database: 'd' };
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

test('a load that cannot begin names the server, and blames the environment', async () => {
  const port = await closedPort();
  const route: Route = { name: 'coordinator', access: 'write', addresses: async () => [addressOf(port)] };
  await using thread = spareLoadThread(ENTRY, 'probes');
  const error: unknown = await Load.prepare(
    thread,
    { coordinator: route },
    {
      originNs: process.hrtime.bigint(),
      partitionOfKey: {},
      work: { type: 'probes', kinds: [PROBE], partitionKeys: [1], run: 1 },
    },
  ).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EnvironmentError);
  expect((error as Error).message).toMatch(
    new RegExp(`^coordinator \\(127\\.0\\.0\\.1:${port}\\): .*ECONNREFUSED.* when pgquake connected$`),
  );
});

const PROBE = {
  name: 'probe-read',
  access: 'read',
  scope: 'partition',
  ratePerSecond: 10,
  deadlineMs: 100,
  connection: 'pooled',
} as const;

test('a follower reports a new address once, and keeps the last one while the route does not answer', async () => {
  let port = 1;
  const route: Route = {
    name: 'coordinator',
    access: 'write',
    addresses: async () => {
      if (port === 0) throw new Error('the engine does not answer');
      return [addressOf(port)];
    },
  };
  const told: number[] = [];
  using follower = new RouteFollower(route, [addressOf(1)], ([address]) => told.push(address?.port ?? 0), CALM_MS);
  const later = () => new Promise((resolve) => setTimeout(resolve, 120));
  await follower.ask();
  await later();
  port = 0;
  await follower.ask();
  await later();
  port = 2;
  await Promise.all([follower.ask(), follower.ask()]);
  await later();
  await follower.ask();
  expect(told).toEqual([2]);
});

test('a route is asked at most ten times a second, however many connections fail', async () => {
  let asked = 0;
  const route: Route = {
    name: 'coordinator',
    access: 'write',
    addresses: async () => {
      asked++;
      return [addressOf(1)];
    },
  };
  using follower = new RouteFollower(route, [addressOf(1)], () => undefined, CALM_MS);
  for (let i = 0; i < 100; i++) await follower.ask();
  expect(asked).toBe(1);
});

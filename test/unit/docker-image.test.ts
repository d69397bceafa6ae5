/** Pulling and building images: the engine reports a failure in a stream that it began with 200. */

import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DockerClient } from '../../src/platforms/docker/client.ts';
import { pull } from '../../src/platforms/docker/image.ts';
import { ownImage } from '../../src/platforms/docker/own-image.ts';
import { clientOf, fakeEngine } from '../support/fake-engine.ts';

let engine: Server;
let client: DockerClient;
/** What the engine writes for a pull or a build. */
let events: readonly object[];
let said: string[];

beforeEach(async () => {
  said = [];
  engine = fakeEngine(({ method }, response) => {
    // It has no image.
    if (method === 'GET') response.writeHead(404).end(JSON.stringify({ message: 'no such image' }));
    else response.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  });
  client = await clientOf(engine);
});

afterEach(() => {
  engine.close();
});

const progress = (line: string) => void said.push(line);
const { signal } = new AbortController();
const FULL = 'write /var/lib/docker/tmp: no space left on device';

describe.each([
  ['as older engines tell it', { error: FULL }],
  ['as newer engines tell it', { errorDetail: { message: FULL } }],
  ['told in both ways', { error: FULL, errorDetail: { message: FULL } }],
])('a failure half-way, %s', (_, failure) => {
  test('ends a pull with the reason', async () => {
    events = [{ id: 'a1', status: 'Downloading', progressDetail: { current: 1, total: 2 } }, failure];
    await expect(pull(client, 'postgres:17', signal, progress)).rejects.toMatchObject({
      code: 'image-missing',
      message: `the image postgres:17 is not on this machine and cannot be pulled: ${FULL}`,
    });
    expect(said).toEqual(['pulling postgres:17']);
  });

  test('ends a build with the reason and the last lines', async () => {
    events = [{ stream: 'Step 1/2\n' }, failure];
    await expect(ownImage(client, 'patroni', { programs: [], signal, progress })).rejects.toMatchObject({
      code: 'image-not-built',
      message: expect.stringMatching(new RegExp(`^the image \\S+ could not be built: ${FULL}; Step 1/2$`)),
    });
    expect(said).toHaveLength(1);
  });
});

test('a pull without a failure ends well', async () => {
  events = [{ id: 'a1', progressDetail: { current: 2, total: 2 } }, { status: 'Download complete' }];
  await pull(client, 'postgres:17', signal, progress);
  expect(said).toEqual(['pulling postgres:17', 'pulled postgres:17']);
});

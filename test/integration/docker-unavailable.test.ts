/** The platform `docker` where Docker is missing, gone or silent. Needs no engine. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentError } from '../../src/model/errors.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { wantedImage } from '../../src/platforms/docker/image.ts';
import { attach } from '../../src/platforms/docker/nodes.ts';
import { removeProject } from '../../src/platforms/docker/project.ts';
import { docker } from '../../src/platforms/docker.ts';
import { Workplace } from '../support/cli.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { sharded } from '../support/sharded.ts';

let folder: string;
let silent: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-docker-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  silent?.close();
  silent = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const options = () => ({
  nodes: sharded({ workers: 2, replication: 1, partitions: 2 }).nodes,
  settings: {},
  runFolder: folder,
  signal: new AbortController().signal,
});

test('no engine at DOCKER_HOST: unusable, and every way in says where it looked', async () => {
  const host = `unix://${folder}/none.sock`;
  vi.stubEnv('DOCKER_HOST', host);
  // The words stand behind the platform's name in the first line of a run: "docker: no Docker engine answers at ...".
  expect((await docker.unavailable())?.message).toMatch(
    new RegExp(
      `^no Docker engine answers at ${host} \\(DOCKER_HOST\\): connect ENOENT .*; tried to look for the image \\S+$`,
    ),
  );
  await expect(docker.provision(options())).rejects.toBeInstanceOf(EnvironmentError);
  const attaching = attach({ project: 'citus' });
  await expect(attaching).rejects.toBeInstanceOf(EnvironmentError);
  await expect(attaching).rejects.toMatchObject({
    code: 'docker-unreachable',
    hint: expect.stringMatching(/DOCKER_HOST/),
  });
});

test('an engine that accepts and never answers: unusable within two seconds', async () => {
  const path = join(folder, 'silent.sock');
  silent = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((listening) => silent?.listen(path, listening));
  vi.stubEnv('DOCKER_HOST', `unix://${path}`);
  const startedAt = performance.now();
  expect((await docker.unavailable())?.message).toMatch(/no answer within \d+ ms/);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test.each([
  ['DOCKER_HOST', 'nonsense', /^DOCKER_HOST: "nonsense" is not the address of a Docker engine$/],
  ['DOCKER_HOST', 'unix:/var/run/docker.sock', /^DOCKER_HOST: .* is not the address of a Docker engine$/],
  ['DOCKER_HOST', 'ssh://host', /^DOCKER_HOST: cannot use the Docker engine at "ssh:\/\/host"$/],
  ['PGQUAKE_IMAGE', 'a b', /^PGQUAKE_IMAGE: "a b" is not the name of an image$/],
  ['PGQUAKE_IMAGE', 'UPPER', /^PGQUAKE_IMAGE: "UPPER" is not the name of an image$/],
  ['PGQUAKE_IMAGE', 'name:', /^PGQUAKE_IMAGE: "name:" is not the name of an image$/],
])('%s=%s is told as what it is', async (variable, value, message) => {
  vi.stubEnv('DOCKER_HOST', `unix://${folder}/none.sock`);
  vi.stubEnv(variable, value);
  const found = await docker.unavailable();
  expect(found).toBeInstanceOf(EnvironmentError);
  expect({ message: found?.message, hint: found?.hint }).toEqual({
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/such as|pgquake must reach/),
  });
});

test.each(['postgres', 'registry:5000/team/pg_citus.17:v1.0', `ghcr.io/a/b@sha256:${'0'.repeat(64)}`, '0123456789ab'])(
  'PGQUAKE_IMAGE=%s can be a name',
  (image) => {
    vi.stubEnv('PGQUAKE_IMAGE', image);
    expect(wantedImage()).toBe(image);
  },
);

describe('docker asked for on the command line', () => {
  async function refused(env: NodeJS.ProcessEnv): Promise<string> {
    using place = new Workplace('docker');
    const { code, stderr } = await place.run(['control'], env);
    expect(code).toBe(4);
    return stderr;
  }

  test('and no engine answers: exit code 4, and what to do', async () => {
    expect(await refused({ DOCKER_HOST: `unix://${folder}/none.sock` })).toMatch(
      /docker: no Docker engine answers at unix:.*\n hint start Docker, or name its address with DOCKER_HOST/,
    );
  });

  test('and there is no Compose: exit code 4, and what to install', async () => {
    // An engine that has every image.
    await using engine = fakeEngine((_, response) => response.end('{}'));
    await new Promise<void>((listening) => engine.listen(join(folder, 'engine.sock'), listening));
    expect(await refused({ DOCKER_HOST: `unix://${folder}/engine.sock`, PATH: folder })).toMatch(
      /Docker Compose is not installed here\n hint install your system.s package docker-compose-plugin/,
    );
  });
});

test('what the engine does not remove is named with its reason, and what may be done', async () => {
  const reason = 'network citus_default id 0a1b has active endpoints';
  await using engine = fakeEngine(({ method, url = '' }, response) => {
    if (method === 'DELETE') response.writeHead(403).end(JSON.stringify({ message: reason }));
    else if (url.startsWith('/networks')) response.end(JSON.stringify([{ Id: '0a1b', Name: 'citus_default' }]));
    else response.end(url.startsWith('/volumes') ? '{}' : '[]');
  });
  await new Promise<void>((listening) => engine.listen(join(folder, 'engine.sock'), listening));
  vi.stubEnv('DOCKER_HOST', `unix://${folder}/engine.sock`);
  await expect(removeProject(DockerClient.fromEnvironment(), 'citus', { limitMs: 300 })).rejects.toMatchObject({
    code: 'left-behind',
    message: `could not remove network citus_default (${reason})`,
    hint: expect.stringContaining('docker network inspect'),
  });
});

test('no Compose: unusable, and says what to install', async () => {
  vi.stubEnv('PATH', folder);
  vi.stubEnv('DOCKER_HOST', `unix://${folder}/none.sock`);
  await expect(docker.provision(options())).rejects.toMatchObject({
    code: 'compose-missing',
    hint: expect.stringMatching(/docker-compose-plugin/),
  });
});

test('an engine that containers of cannot be reached from here: says which are possible', async () => {
  vi.stubEnv('DOCKER_HOST', 'ssh://somewhere.invalid');
  expect((await docker.unavailable())?.message).toMatch(
    /^DOCKER_HOST: cannot use the Docker engine at "ssh:\/\/somewhere\.invalid"/,
  );
});

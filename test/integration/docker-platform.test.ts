/** The platform `docker` on a real engine, beyond what every platform promises: what containers, volumes and engines add. */

import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { standingTopology } from '../../src/cli/standing.ts';
import { sqlRefusal, untilServes } from '../../src/cluster/health.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { renderCompose, STANDING } from '../../src/platforms/docker/compose.ts';
import { type ComposeCommand, findCompose, runCompose } from '../../src/platforms/docker/compose-command.ts';
import { attach } from '../../src/platforms/docker/nodes.ts';
import { removeProject } from '../../src/platforms/docker/project.ts';
import { docker, reclaim } from '../../src/platforms/docker.ts';
import { Session } from '../../src/sql/session.ts';
import {
  dockerMissing,
  EngineProxy,
  engine,
  mountedVolumes,
  projectOf,
  RunFolder,
  traces,
  volumeExists,
} from '../support/docker.ts';
import { COORDINATOR, coordinatorOf, sharded, workersOf } from '../support/sharded.ts';

const missing = await dockerMissing('test/integration/docker-platform.test.ts');
const image = process.env.PGQUAKE_TEST_IMAGE as string;

const SMALL = sharded({ workers: 2, replication: 1, partitions: 2 });

function provision(folder: RunFolder, signal = new AbortController().signal): Promise<Nodes> {
  return docker.provision({ nodes: SMALL.nodes, settings: { wal_level: 'logical' }, runFolder: folder.path, signal });
}

async function ask(node: NodeControl, statement: string): Promise<unknown> {
  await using session = await Session.connect(node.address(), { applicationName: 'test', connectTimeoutMs: 5_000 });
  const [row] = await session.query(statement, [], { timeoutMs: 5_000 });
  return row?.[0];
}

/** Differs between any two servers, and stays with a server's data. */
const identity = (node: NodeControl) => ask(node, 'SELECT system_identifier::text FROM pg_control_system()');

async function healths(project: string): Promise<(string | undefined)[]> {
  const containers = await engine.listContainers({ filters: { label: [`pgquake.project=${project}`] } });
  const seen = await Promise.all(containers.map(({ Id }) => engine.getContainer(Id).inspect()));
  return seen.map(({ State }) => State.Health?.Status);
}

function allText(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
}

describe.skipIf(missing !== undefined)('platform docker', () => {
  const before = process.env.PGQUAKE_IMAGE;

  beforeAll(() => {
    process.env.PGQUAKE_IMAGE = image;
  });

  afterAll(() => {
    if (before === undefined) delete process.env.PGQUAKE_IMAGE;
    else process.env.PGQUAKE_IMAGE = before;
  });

  test('can be used where an engine answers and has the image', async () => {
    expect(await docker.unavailable()).toBeUndefined();
  });

  describe('a cluster', () => {
    const folder = new RunFolder();
    let nodes: Nodes;
    let worker: NodeControl;

    beforeAll(async () => {
      nodes = await provision(folder);
      worker = workersOf(nodes)[0] as NodeControl;
    });

    afterAll(async () => {
      await nodes?.dispose();
      folder[Symbol.dispose]();
    });

    test('hashes its random password once only, so that connecting is quick', async () => {
      for (const node of nodes.all) {
        expect(await ask(node, 'SELECT rolpassword FROM pg_authid WHERE rolname = current_user')).toMatch(
          /^SCRAM-SHA-256\$1:/,
        );
      }
    });

    test('has nodes that reach each other by name', async () => {
      const { host, port, user, password, database } = worker.peerAddress(COORDINATOR);
      const conninfo = `host=${host} port=${port} user=${user} password=${password} dbname=${database}`;
      await ask(coordinatorOf(nodes), 'CREATE EXTENSION IF NOT EXISTS dblink');
      const seen = await ask(
        coordinatorOf(nodes),
        `SELECT * FROM dblink('${conninfo}', 'SELECT system_identifier::text FROM pg_control_system()') AS (id text)`,
      );
      expect(seen).toBe(await identity(worker));
    });

    test('says in the run folder where it is, and nowhere what its password is', () => {
      const { platform, project, nodes: named } = JSON.parse(readFileSync(join(folder.path, 'cluster.json'), 'utf8'));
      expect({ platform, project }).toEqual({ platform: 'docker', project: projectOf(folder.path) });
      expect(named).toContainEqual({ name: 'worker2', container: `${project}_worker2` });
      expect(allText(folder.path)).not.toContain(worker.address().password);
    });

    test('is not published beyond this machine', async () => {
      const containers = await engine.listContainers({
        filters: { label: [`pgquake.project=${projectOf(folder.path)}`] },
      });
      const bindings = containers.flatMap(({ Ports }) =>
        Ports.filter(({ PublicPort }) => PublicPort).map(({ IP }) => IP),
      );
      expect(bindings).toHaveLength(3);
      expect(new Set(bindings)).toEqual(new Set(['127.0.0.1']));
    });

    test.for([
      { act: 'stop', undo: 'start', state: 'stopped', words: /exited, exit code 0$/ },
      { act: 'kill', undo: 'start', state: 'stopped', words: /exited, exit code 137$/ },
      { act: 'pause', undo: 'resume', state: 'paused', words: /paused, its process \d+ frozen$/ },
    ] as const)('$act is told in words of containers', async ({ act, undo, state, words }) => {
      const who = await identity(worker);
      await worker[act]();
      expect(await worker.state()).toBe(state);
      expect(await worker.describeState()).toMatch(words);
      await worker[undo]();
      await untilServes(worker, 20_000);
      expect(await identity(worker)).toBe(who);
    });

    test('can be attached to by its project, and disposing of that leaves it standing', async () => {
      const attached = await attach({ project: projectOf(folder.path) });
      expect(attached.all.map(({ name }) => name)).toEqual(['coordinator', 'worker1', 'worker2']);
      expect(await identity(coordinatorOf(attached))).toBe(await identity(coordinatorOf(nodes)));
      await attached.dispose();
      expect(await sqlRefusal(coordinatorOf(nodes))).toBeUndefined();
    });

    test('can be attached to by the names of its containers', async () => {
      const project = projectOf(folder.path);
      const attached = await attach({
        containers: { coordinator: `${project}_coordinator`, worker1: `${project}_worker2` },
      });
      expect(workersOf(attached).map(({ name }) => name)).toEqual(['worker1']);
      expect(await identity(workersOf(attached)[0] as NodeControl)).toBe(
        await identity(workersOf(nodes)[1] as NodeControl),
      );
    });

    test('that a killed run left behind can be reclaimed and removed', async () => {
      const project = projectOf(folder.path);
      await worker.kill();
      expect(await docker.reclaim(folder.path)).toEqual({
        inUseBy: `pgquake, process ${process.pid}, which is still running`,
        removed: [],
      });
      expect(await worker.state()).toBe('stopped');

      const file = join(folder.path, 'cluster.json');
      const content = JSON.parse(readFileSync(file, 'utf8'));
      writeFileSync(file, JSON.stringify({ ...content, owner: { ...content.owner, startTime: 'of somebody else' } }));
      const { removed } = await docker.reclaim(folder.path);
      expect(removed).toContain(`container ${project}_worker1`);
      expect(await traces(project)).toEqual([]);
      expect(existsSync(file)).toBe(false);
      expect(await docker.reclaim(folder.path)).toEqual({ removed: [] });
    });
  });

  test('disposing leaves nothing but the logs, whatever state the nodes are in; a container that is removed is told by name', async () => {
    using folder = new RunFolder();
    const nodes = await provision(folder);
    const project = projectOf(folder.path);
    const volumes = await mountedVolumes(project);
    expect(volumes.length).toBeGreaterThanOrEqual(3);
    try {
      await engine.getContainer(`${project}_worker1`).remove({ force: true, v: true });
      const worker = workersOf(nodes)[0] as NodeControl;
      for (const act of ['state', 'describeState', 'stop', 'kill', 'pause', 'resume', 'start'] as const) {
        const error = await worker[act]().then(
          () => 'no error',
          (thrown: unknown) => thrown,
        );
        expect(error, act).toBeInstanceOf(EnvironmentError);
        expect((error as Error).message, act).toMatch(`worker1: container ${project}_worker1`);
      }
      await coordinatorOf(nodes).pause();
      await workersOf(nodes)[1]?.kill();
    } finally {
      await nodes.dispose();
    }
    expect(await traces(project)).toEqual([]);
    expect(await Promise.all(volumes.map(volumeExists))).not.toContain(true);
    expect(existsSync(join(folder.path, 'cluster.json'))).toBe(false);
    for (const node of ['coordinator', 'worker2']) {
      expect(readFileSync(join(folder.path, 'logs', `${node}.log`), 'utf8')).toContain('ready to accept connections');
    }
    await nodes.dispose();
  });

  test('an engine that goes away under the run is told, and the cluster is removed when it is back', async () => {
    using folder = new RunFolder();
    await using proxy = new EngineProxy();
    await proxy.open();
    vi.stubEnv('DOCKER_HOST', proxy.host);
    const nodes = await provision(folder).finally(() => vi.unstubAllEnvs());
    const project = projectOf(folder.path);
    try {
      await workersOf(nodes)[0]?.pause();
      const cutOff = expect(workersOf(nodes)[1]?.stop()).rejects.toMatchObject({ code: 'docker-unreachable' });
      await proxy.close();
      await cutOff;
      await expect(workersOf(nodes)[0]?.resume()).rejects.toMatchObject({ code: 'docker-unreachable' });
      await expect(nodes.dispose()).rejects.toMatchObject({ code: 'left-behind' });
      expect(existsSync(join(folder.path, 'cluster.json'))).toBe(true);
      await proxy.open();
      await workersOf(nodes)[0]?.resume();
      await untilServes(workersOf(nodes)[0] as NodeControl, 20_000);
    } finally {
      await nodes.dispose();
    }
    expect(await traces(project)).toEqual([]);
  });

  test.for([100, 700, 1_500, 2_500])('aborted after %d ms it leaves nothing', async (afterMs) => {
    using folder = new RunFolder();
    const controller = new AbortController();
    const reason = new Error('enough');
    const provisioning = provision(folder, controller.signal).then(
      async (nodes) => {
        await nodes.dispose();
        return 'was ready before';
      },
      (error: unknown) => error,
    );
    setTimeout(() => controller.abort(reason), afterMs);
    expect([reason, 'was ready before']).toContain(await provisioning);
    if (existsSync(join(folder.path, 'docker-compose.yml'))) expect(await traces(projectOf(folder.path))).toEqual([]);
  });

  test('a server that ends while it starts is told with its last words', async () => {
    using folder = new RunFolder();
    const provisioning = docker.provision({
      nodes: SMALL.nodes.slice(0, 2),
      settings: { no_such_setting: 'on' },
      runFolder: folder.path,
      signal: new AbortController().signal,
    });
    await expect(provisioning).rejects.toThrow(/exit code 1.*no_such_setting/);
    expect(await traces(projectOf(folder.path))).toEqual([]);
  });

  test('what another engine has is not looked for here', async () => {
    using folder = new RunFolder();
    const owner = { host: hostname(), pid: process.pid, startTime: 'of somebody else' };
    const content = { platform: 'docker', owner, project: 'pgquake-0a1b2c3d', engine: 'tcp://192.0.2.1:2375' };
    writeFileSync(join(folder.path, 'cluster.json'), JSON.stringify(content));
    await expect(docker.reclaim(folder.path)).rejects.toThrow(/is on the Docker engine at tcp:\/\/192\.0\.2\.1/);
    expect(existsSync(join(folder.path, 'cluster.json'))).toBe(true);
  });

  test('the standing cluster comes up healthy by hand, and can be attached to', async () => {
    using folder = new RunFolder();
    const project = `standing-${randomBytes(4).toString('hex')}`;
    const file = join(folder.path, 'docker-compose.yml');
    // Its own port may be taken here.
    const { entryPort: _, ...anyPort } = STANDING;
    writeFileSync(file, renderCompose(standingTopology().nodes, { ...anyPort, project }));
    const compose = await findCompose();
    const run = (...args: string[]) =>
      runCompose(compose as ComposeCommand, args, {
        project,
        file,
        environment: { PGQUAKE_IMAGE: image, POSTGRES_PASSWORD: 'it$ "own"' },
        endpoint: DockerClient.fromEnvironment().endpoint,
        limitMs: 60_000,
        signal: new AbortController().signal,
      });
    try {
      await run('up', '--detach');
      const nodes = await attach({ project });
      expect(workersOf(nodes).map(({ name }) => name)).toEqual(['worker1', 'worker2', 'worker3', 'worker4']);
      await expect.poll(() => healths(project), { timeout: 60_000, interval: 500 }).toEqual(Array(5).fill('healthy'));
      expect(await ask(coordinatorOf(nodes), 'SHOW fsync')).toBe('on');
    } finally {
      await run('down', '--volumes');
    }
    expect(await traces(project)).toEqual([]);
  });

  describe('what is not marked as a target', () => {
    const project = `stranger-${randomBytes(4).toString('hex')}`;

    beforeAll(async () => {
      // A Compose project of somebody else, with a node's name, yet without pgquake's labels.
      const container = await engine.createContainer({
        Image: image,
        name: `${project}_coordinator`,
        Labels: { 'com.docker.compose.project': project },
        Env: ['POSTGRES_PASSWORD=stranger'],
      });
      await container.start();
    });

    afterAll(async () => {
      await engine.getContainer(`${project}_coordinator`).remove({ force: true, v: true });
    });

    test('is refused by name', async () => {
      const refused = attach({ project });
      await expect(refused).rejects.toBeInstanceOf(EnvironmentError);
      await expect(refused).rejects.toThrow(`${project}_coordinator, which lacks the label and is not touched`);
    });

    test('survives what is done to the project of that name', async () => {
      await expect(reclaim(project, '/nonexistent')).rejects.toThrow(/there is no cluster/);
      await expect(removeProject(DockerClient.fromEnvironment(), project)).resolves.toEqual([]);
      expect((await engine.getContainer(`${project}_coordinator`).inspect()).State.Running).toBe(true);
    });
  });

  test('an image that is neither here nor to be had makes it unusable, and says which', async () => {
    process.env.PGQUAKE_IMAGE = 'registry.invalid/pgquake-no-such-image:1';
    try {
      const startedAt = performance.now();
      expect((await docker.unavailable())?.message).toMatch(
        /^the image registry\.invalid\/pgquake-no-such-image:1 is not on this machine and/,
      );
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      using folder = new RunFolder();
      const lines: string[] = [];
      const provisioning = docker.provision({
        nodes: SMALL.nodes,
        settings: {},
        runFolder: folder.path,
        signal: new AbortController().signal,
        onProgress: (line) => lines.push(line),
      });
      await expect(provisioning).rejects.toMatchObject({ code: 'image-missing' });
      expect(lines).toEqual(['pulling registry.invalid/pgquake-no-such-image:1']);
    } finally {
      process.env.PGQUAKE_IMAGE = image;
    }
  });
});

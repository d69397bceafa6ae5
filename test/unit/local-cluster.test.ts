/** Removes local clusters, also where something stands in the way. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentError } from '../../src/model/errors.ts';
import { DataRoot } from '../../src/platforms/local/data-folder.ts';
import { launch } from '../../src/platforms/local/launch.ts';
import { LocalCluster, type LocalNode } from '../../src/platforms/local/local-cluster.ts';
import { keepLogs } from '../../src/platforms/local/log.ts';
import { processOf } from '../../src/platforms/local/processes.ts';
import { copyFolder } from '../../src/platforms/local/server-data.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-local-'));
  vi.stubEnv('TMPDIR', folder);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('a cluster', () => {
  async function clusterOf(...retire: (() => Promise<void>)[]) {
    const dataRoot = await DataRoot.choose(1);
    await dataRoot.make(undefined);
    mkdirSync(join(dataRoot.folder, 'node1', 'base'), { recursive: true });
    writeFileSync(join(dataRoot.folder, 'node1', 'base', '1'), '');
    const ports = { [Symbol.dispose]: vi.fn() };
    const owner = { host: '', pid: process.pid, startTime: '' };
    const cluster = new LocalCluster(dataRoot, { runFolder: folder, owner, ports, say: undefined });
    for (const one of retire)
      cluster.add({ name: 'node1', identity: { port: 1 }, retire: one } as unknown as LocalNode);
    await cluster.save();
    return { cluster, dataFolder: dataRoot.folder, ports };
  }

  test('is removed as far as it can be where one of its nodes cannot, and `heal` finds that one', async () => {
    const refusal = new EnvironmentError('node1 stays', { code: 'signal-refused' });
    const retired = vi.fn(async () => undefined);
    const { cluster, dataFolder, ports } = await clusterOf(() => Promise.reject(refusal), retired);
    await expect(cluster.dispose()).rejects.toBe(refusal);
    expect(retired).toHaveBeenCalledOnce();
    expect(ports[Symbol.dispose]).toHaveBeenCalledOnce();
    expect(existsSync(dataFolder)).toBe(false);
    expect(readdirSync(folder)).toEqual(['cluster.json']);
  });

  test('that is gone has no record any more', async () => {
    const { cluster } = await clusterOf(async () => undefined);
    await cluster.dispose();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('leaves every log that can be copied, though another cannot', async () => {
    const { cluster, dataFolder } = await clusterOf(async () => undefined);
    mkdirSync(join(folder, 'logs'));
    mkdirSync(join(dataFolder, '.logs', 'node1.log'), { recursive: true });
    writeFileSync(join(dataFolder, '.logs', 'node2.log'), 'ready');
    await cluster.dispose();
    expect(readdirSync(join(folder, 'logs'))).toEqual(['node2.log']);
  });
});

test('a log that cannot be copied costs no other', () => {
  const data = join(folder, 'data');
  mkdirSync(join(data, '.logs/a.log'), { recursive: true });
  writeFileSync(join(data, '.logs/b.log'), 'kept');
  mkdirSync(join(folder, 'run/logs'), { recursive: true });
  expect(() => keepLogs(data, join(folder, 'run'))).toThrow('EISDIR');
  expect(readFileSync(join(folder, 'run/logs/b.log'), 'utf8')).toBe('kept');
  expect(readdirSync(join(folder, 'run/logs'))).toEqual(['b.log']);
});

test('logs are kept even if their folder was removed, but not without the run’s', () => {
  const data = join(folder, 'data');
  mkdirSync(join(data, '.logs'), { recursive: true });
  writeFileSync(join(data, '.logs/a.log'), 'kept');
  expect(() => keepLogs(data, join(folder, 'run'))).toThrow('ENOENT');
  expect(readdirSync(folder)).toEqual(['data']);
  mkdirSync(join(folder, 'run'));
  keepLogs(data, join(folder, 'run'));
  expect(readFileSync(join(folder, 'run/logs/a.log'), 'utf8')).toBe('kept');
});

describe('a process that pgquake started', () => {
  test.each([
    ['ends on SIGQUIT', 'exec sleep 60'],
    ['also where it is frozen', 'kill -STOP $$; exec sleep 60'],
  ])('%s, without a look at /proc', async (_, script) => {
    const logFile = join(folder, 'log');
    const process = await launch(['sh', '-c', script], { account: undefined, cwd: folder, logFile });
    await vi.waitFor(async () => expect((await processOf(process?.pid as number))?.state).toMatch(/[ST]/));
    await process?.end();
    expect(await processOf(process?.pid as number)).toBeUndefined();
    // Harmless when it is gone: its id may belong to another process by now.
    await process?.end();
  });
});

test('a missing cp is named, not the folder that it would write to', async () => {
  vi.stubEnv('PATH', folder);
  const copied = copyFolder(folder, join(folder, 'copy'), { account: undefined, cwd: folder });
  await expect(copied).rejects.toMatchObject({ message: 'the program cp is not in PATH', code: 'program-missing' });
});

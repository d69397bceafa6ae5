import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Platform } from '../../src/cluster/platform.ts';
import { DiskProcess, SilentDiskError } from '../../src/disk/disk-process.ts';
import { copyFile, type Files, ownFiles } from '../../src/disk/files.ts';
import { diskFailure, filesIn, useDisk, writeHint } from '../../src/disk/files-in.ts';
import { LineFile } from '../../src/disk/line-file.ts';
import { until } from '../../src/model/until.ts';
import { processTree } from '../../src/platforms/local/processes.ts';
import { reclaim } from '../../src/run/left-behind.ts';
import { readPendingUndos, UndoJournal } from '../../src/run/undo-journal.ts';
import { keepRunIndex } from '../../src/run-index.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'pgquake-disk-')));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Ids of the processes below this one, or another, that do file operations. */
async function diskProcesses(pid = process.pid): Promise<number[]> {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const startTime = stat.slice(stat.lastIndexOf(')')).split(' ')[20] as string;
  const tree = await processTree({ pid, startTime });
  return tree.map((one) => one.pid).filter((one) => commandOf(one).startsWith('pgquake files'));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

describe('file operations in another process', () => {
  test('do what they do in this one', async () => {
    await using _disk = await useDisk(folder);
    expect(filesIn(join(folder, 'run/file'))).not.toBe(ownFiles);
    expect(filesIn(`${folder}-beside`)).toBe(ownFiles);
    const files = filesIn(folder);
    expect(files.makeFolder(join(folder, 'a/b'))).toBe(join(folder, 'a'));
    files.replace(join(folder, 'a/whole'), 'text');
    copyFile(files, join(folder, 'a/whole'), join(folder, 'a/b/copy'));
    files.link('whole', join(folder, 'a/link'));
    expect(files.lookAtLink(join(folder, 'a/link'))).toMatchObject({ isLink: true });
    expect(files.look(join(folder, 'a/link'))).toEqual(ownFiles.look(join(folder, 'a/whole')));
    files.remove(join(folder, 'a/whole'));
    expect(files.look(join(folder, 'a/whole'))).toBeUndefined();
    const file = files.open(join(folder, 'bytes'), 'wx');
    files.write(file, Buffer.alloc(3 << 20, 1));
    files.sync(file);
    files.truncate(file, 2 << 20);
    expect(files.facts(file).size).toBe(2 << 20);
    files.close(file);
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['copy']);
  });

  test('fail as they do in this one', async () => {
    await using _disk = await useDisk(folder);
    const full = filesIn(folder).open('/dev/full', 'a');
    for (const [error, operate] of [
      [{ code: 'ENOSPC', syscall: 'write' }, () => filesIn(folder).write(full, Buffer.from('x'))],
      [{ code: 'ENOENT' }, () => filesIn(folder).open(join(folder, 'none/file'), 'a')],
      [{ code: 'ENOENT', path: '/none' }, () => copyFile(filesIn(folder), '/none', join(folder, 'x'))],
      [{ code: 'EEXIST' }, () => filesIn(folder).makeNewFolder(folder)],
    ] as const) {
      expect(operate).toThrow(expect.objectContaining(error));
    }
    expect(diskFailure(folder)).toBeUndefined();
  });

  test('are those of files of lines, which find out that they were replaced', async () => {
    await using _disk = await useDisk(folder);
    using lines = new LineFile(join(folder, 'lines'));
    lines.append('one\n');
    rmSync(join(folder, 'lines'));
    expect(() => lines.appendForOthers('two\n')).toThrow('removed or moved');
  });

  test('are there whatever options the environment has for Node.js', async () => {
    vi.stubEnv('NODE_OPTIONS', '--require ./none.cjs');
    await using _disk = await useDisk(folder);
    expect(filesIn(folder).look(folder)).toEqual(ownFiles.look(folder));
    vi.unstubAllEnvs();
  });

  test('go on after signals that pgquake answers itself', async () => {
    await using _disk = await useDisk(folder);
    const [pid] = (await diskProcesses()) as [number];
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGXFSZ'] as const) {
      process.kill(pid, signal);
      expect(filesIn(folder).look(folder), signal).toBeDefined();
    }
    expect(await diskProcesses()).toEqual([pid]);
  });

  test('in a folder within another’s do not end with those of the outer one', async () => {
    const outer = await useDisk(folder);
    await using _inner = await useDisk(join(folder, 'inner'));
    const files = filesIn(join(folder, 'inner/run'));
    const late = filesIn(folder);
    await outer[Symbol.asyncDispose]();
    expect(() => late.look(folder)).toThrow('used no more');
    expect(files.look(folder)).toBeDefined();
    expect(filesIn(join(folder, 'inner/run'))).toBe(files);
    expect(filesIn(folder)).toBe(ownFiles);
  });

  test('copy a large file in parts: each has the limit for itself', () => {
    const bytes = randomBytes(9 << 20);
    writeFileSync(join(folder, 'large'), bytes);
    let writes = 0;
    const appendPart: Files['appendPart'] = (...part) => {
      writes++;
      return ownFiles.appendPart(...part);
    };
    copyFile({ ...ownFiles, appendPart }, join(folder, 'large'), join(folder, 'copy'));
    expect(readFileSync(join(folder, 'copy')).equals(bytes)).toBe(true);
    expect(writes).toBeGreaterThan(2);
    expect(readdirSync(folder).sort()).toEqual(['copy', 'large']);
  });

  test('end with the last that uses them', async () => {
    const first = await useDisk(folder);
    const [one] = await diskProcesses();
    const second = await useDisk(folder);
    expect(await diskProcesses()).toEqual([one]);
    await first[Symbol.asyncDispose]();
    expect(filesIn(folder)).not.toBe(ownFiles);
    await second[Symbol.asyncDispose]();
    expect(filesIn(folder)).toBe(ownFiles);
    expect(await diskProcesses()).toEqual([]);
  });
});

describe('a disk that does not answer', () => {
  test('costs the limit once; what follows fails at once, and says what to do', async () => {
    await using disk = await DiskProcess.start(folder, 300);
    const [pid] = await diskProcesses();
    process.kill(pid as number, 'SIGSTOP');
    try {
      const began = performance.now();
      expect(() => disk.files.look(folder)).toThrow(`the disk of ${folder} has not answered for 0.3 s`);
      expect(performance.now() - began).toBeGreaterThanOrEqual(299);
      const since = performance.now();
      expect(() => disk.files.look(folder)).toThrow(SilentDiskError);
      expect(performance.now() - since).toBeLessThan(100);
      expect(writeHint(disk.failure)).toContain('does not answer');
    } finally {
      process.kill(pid as number, 'SIGCONT');
    }
  });

  test('does not delay the end of its user, and its process ends when it answers', async () => {
    const disk = await DiskProcess.start(folder, 100);
    const [pid] = (await diskProcesses()) as [number];
    process.kill(pid, 'SIGSTOP');
    expect(() => disk.files.look(folder)).toThrow(SilentDiskError);
    const began = performance.now();
    await disk[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(2_000);
    process.kill(pid, 'SIGCONT');
    expect(await gone(pid)).toBeUndefined();
  });
});

test('a pgquake that was stopped meanwhile, as by Ctrl-Z, takes that for no fault of the disk', async () => {
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `const { DiskProcess } = await import(${JSON.stringify(resolve('src/disk/disk-process.ts'))});
    await using disk = await DiskProcess.start('/', 2_000);
    console.log('ready');
    await new Promise((asked) => process.stdin.once('data', asked));
    process.stdin.destroy();
    try { console.log(typeof disk.files.look('/')); } catch (error) { console.log(error.message); }`,
  );
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const [pid] = (await diskProcesses(child.pid)) as [number];
    process.kill(pid, 'SIGSTOP');
    child.stdin.write('ask\n');
    await sleep(500);
    child.kill('SIGSTOP');
    await sleep(2_500);
    process.kill(pid, 'SIGCONT');
    const answer = once(child.stdout, 'data');
    child.kill('SIGCONT');
    expect(String((await answer)[0]).trim()).toBe('object');
  } finally {
    child.kill('SIGKILL');
  }
});

describe('a process for files that is killed', () => {
  test('is told of by the next operation, which waits for nothing', async () => {
    await using _disk = await useDisk(folder);
    using journal = new UndoJournal(folder);
    const [pid] = (await diskProcesses()) as [number];
    process.kill(pid, 'SIGKILL');
    const promise = () => journal.promise({ act: 0, fault: 'node-stop', mark: '', undo: { action: 'x', node: 'a' } });
    const began = performance.now();
    expect(promise).toThrow(/so pgquake breaks nothing: the process for the files in .* is gone: SIGKILL ended it/);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(diskFailure(folder)).toBeInstanceOf(SilentDiskError);
    expect(writeHint(diskFailure(folder))).toMatch(/^see what ended it/);
  });

  test('is not taken for a damaged journal, of which a user would undo the rest by hand', async () => {
    await using _disk = await useDisk(folder);
    const [pid] = (await diskProcesses()) as [number];
    process.kill(pid, 'SIGKILL');
    expect(() => readPendingUndos(folder)).toThrow(SilentDiskError);
  });

  test('keeps the index of runs from reading a disk that may hang', async () => {
    await using _disk = await useDisk(folder);
    const [pid] = (await diskProcesses()) as [number];
    process.kill(pid, 'SIGKILL');
    const kept = keepRunIndex(folder, { render: () => '', mark: '' }, true);
    await expect(kept).rejects.toThrow(SilentDiskError);
  });

  test('costs one run: another in the same suite gets another process', async () => {
    await using _suite = await useDisk(folder);
    const [pid] = (await diskProcesses()) as [number];
    process.kill(pid, 'SIGKILL');
    expect(() => filesIn(folder).look(folder)).toThrow('SIGKILL ended it');
    {
      await using _first = await useDisk(folder);
      await using _second = await useDisk(folder);
      expect(filesIn(folder).look(folder)).toBeDefined();
    }
    expect(filesIn(folder)).not.toBe(ownFiles);
    expect(filesIn(folder).look(folder)).toBeDefined();
    expect(await diskProcesses()).toHaveLength(1);
  });

  test('is not replaced by pgquake itself, when a run records what an earlier one left', async () => {
    writeFileSync(join(folder, 'cluster.json'), '{"platform":"some"}');
    writeFileSync(join(folder, 'events.ndjson'), '{"at":1}\n{"at"');
    await using _disk = await useDisk(folder);
    const killing = async () => {
      process.kill((await diskProcesses())[0] as number, 'SIGKILL');
      return { removed: ['all'] };
    };
    const platforms = [{ name: 'some', reclaim: killing } as unknown as Platform];
    const outcome = await reclaim(folder, { platforms, faults: [], now: new Date() });
    expect(outcome).toMatchObject({ removed: ['all'], unrecorded: expect.stringContaining('SIGKILL') });
    expect(readFileSync(join(folder, 'events.ndjson'), 'utf8')).toBe('{"at":1}\n{"at"');
  });

  test('ends with its pgquake, however that ends', async () => {
    const program = join(folder, 'program.mjs');
    writeFileSync(
      program,
      `const { DiskProcess } = await import(${JSON.stringify(resolve('src/disk/disk-process.ts'))});
      await DiskProcess.start('/');
      console.log('ready');
      setInterval(() => undefined, 1_000);`,
    );
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const [pid] = (await diskProcesses(child.pid)) as [number];
    child.kill('SIGKILL');
    expect(await gone(pid)).toBeUndefined();
  });
});

/** @returns `undefined` once there is no such process. */
function gone(pid: number): Promise<string | undefined> {
  return until({ limitMs: 5_000, everyMs: 20 }, async () => (commandOf(pid) === '' ? undefined : 'it is still there'));
}

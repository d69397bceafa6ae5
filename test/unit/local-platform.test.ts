import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cachePath } from '../../src/home-folder.ts';
import { accountFrom, serverEnvironment } from '../../src/platforms/local/account.ts';
import { dataParent } from '../../src/platforms/local/data-folder.ts';
import { candidatePorts, PortChooser, parseEphemeralRange } from '../../src/platforms/local/ports.ts';
import {
  listProcesses,
  parseProcStat,
  parsePsLine,
  processOf,
  survivors,
} from '../../src/platforms/local/processes.ts';
import { lists, segmentIn } from '../../src/platforms/local/shared-memory.ts';

const STAT_TAIL = '1 42 42 0 -1 4194560 100 0 0 0 5 3 0 0 20 0 1 0 987654 1000 50 0';

describe('the process table', () => {
  test('a line of /proc/<pid>/stat, also where the command holds blanks and brackets', () => {
    expect(parseProcStat(`4711 (a (odd) name) T ${STAT_TAIL}`)).toEqual({
      pid: 4711,
      state: 'T',
      parent: 1,
      startTime: '987654',
    });
  });

  test.runIf(process.platform === 'linux')(
    'is read once for all who ask in one turn, and anew for the next',
    async () => {
      const [one, two] = await Promise.all([listProcesses(), listProcesses()]);
      expect(two).toBe(one);
      expect(one.some(({ pid }) => pid === process.pid)).toBe(true);
      expect(await listProcesses()).not.toBe(one);
    },
  );

  test.each(['Z', 'X'])('a process in state %s is dead', (state) => {
    expect(parseProcStat(`4711 (postgres) ${state} ${STAT_TAIL}`)).toBeUndefined();
  });

  test('a line of ps', () => {
    expect(parsePsLine('  812   1 Ss   Mon Nov 23 13:02:11 2026   ')).toEqual({
      pid: 812,
      parent: 1,
      state: 'S',
      startTime: 'Mon Nov 23 13:02:11 2026',
    });
    expect(parsePsLine('  812   1 Z+   Mon Nov 23 13:02:11 2026')).toBeUndefined();
    expect(parsePsLine('')).toBeUndefined();
  });

  test('an id that belongs to another process by now is not the same process', async () => {
    const self = await processOf(process.pid);
    expect(self?.parent).toBe(process.ppid);
    const key = { pid: process.pid, startTime: self?.startTime ?? '' };
    expect(await survivors([key])).toHaveLength(1);
    expect(await survivors([{ ...key, startTime: `${key.startTime}0` }])).toEqual([]);
  });
});

describe('ports', () => {
  test('none is taken from the range for outgoing connections', () => {
    const ports = candidatePorts({ from: 32_768, to: 60_999 });
    expect(ports[0]).toBe(10_240);
    expect(ports.at(-1)).toBe(65_535);
    expect(ports.filter((port) => port >= 32_768 && port <= 60_999)).toEqual([]);
  });

  test('where that range leaves nothing, all are candidates', () => {
    expect(candidatePorts({ from: 1_024, to: 65_535 })).toHaveLength(65_535 - 10_240 + 1);
  });

  test('the range as Linux writes it', () => {
    expect(parseEphemeralRange('32768\t60999\n')).toEqual({ from: 32_768, to: 60_999 });
    expect(parseEphemeralRange('')).toBeUndefined();
  });

  test('a port is given once', async () => {
    const numbers = [0.5, 0.5, 0.25];
    const chooser = await PortChooser.open(() => numbers.shift() ?? 0.75);
    const first = await chooser.next();
    expect(await chooser.next()).not.toBe(first);
    chooser[Symbol.dispose]();
  });

  test('a port that a server keeps while it is down is given to no other run', async () => {
    // Two that throw the same dice would give the same ports.
    const dice = [0.5, 0.5, 0.25];
    const mine = await PortChooser.open(() => 0.5);
    const other = await PortChooser.open(() => dice.shift() ?? 0.75);
    const kept = await Promise.all(Array.from({ length: 20 }, () => mine.next()));
    const given = await Promise.all(Array.from({ length: 20 }, () => other.next()));
    expect(new Set([...kept, ...given]).size).toBe(40);
    mine[Symbol.dispose]();
    const next = await PortChooser.open(() => 0.5);
    expect(await next.next()).toBe(kept[0]);
    for (const chooser of [other, next]) chooser[Symbol.dispose]();
  });

  test('more ports than are in a row are all different', async () => {
    const chooser = await PortChooser.open();
    const given = await Promise.all(Array.from({ length: 100 }, () => chooser.next()));
    expect(new Set(given).size).toBe(100);
    chooser[Symbol.dispose]();
  });
});

describe('the account for the servers', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:\nbroken line\npostgres:x:101:104::/:\n';

  test('the first name that is there, whatever the order of the file', () => {
    expect(accountFrom(passwd, ['postgres', 'nobody'])).toEqual({ name: 'postgres', uid: 101, gid: 104 });
    expect(accountFrom(passwd, ['absent', 'nobody'])?.name).toBe('nobody');
    expect(accountFrom(passwd, ['absent'])).toBeUndefined();
  });

  test('never one with the rights of root', () => {
    expect(accountFrom('postgres:x:0:0::/:\nnobody:x:9:9::/:', ['postgres', 'nobody'])?.name).toBe('nobody');
  });

  test('its environment has no PG variables', () => {
    const env = serverEnvironment({ PATH: '/bin', PGOPTIONS: '-c a=b', PGPASSWORD: 'x', LC_ALL: 'de_DE.UTF-8' });
    expect(env).toEqual({ PATH: '/bin', LC_ALL: 'C' });
  });
});

test.skipIf(process.getuid?.() !== 0)(
  'a user id without an account is told so by doctor, with what to do',
  ({ skip }) => {
    const main = resolve(import.meta.dirname, '../../bin/pgquake.cjs');
    const env = { PATH: process.env.PATH, PGQUAKE_CACHE_DIR: mkdtempSync(join(tmpdir(), 'pgquake-cache-')) };
    chownSync(env.PGQUAKE_CACHE_DIR, 54_321, 54_321);
    const asNobody = { uid: 54_321, gid: 54_321, cwd: '/', env, encoding: 'utf8' } as const;
    // A checkout below root's home is out of its reach.
    if (spawnSync(process.execPath, [main, '--version'], asNobody).status !== 0) skip();
    const { stdout } = spawnSync(process.execPath, [main, 'doctor'], asNobody);
    expect(stdout).toMatch(/platform local {2}not usable {2}user id 54321 has no account.*\n.*\/etc\/passwd/);
    const { PGQUAKE_CACHE_DIR, ...homeless } = env;
    // A folder for the cache would not help.
    const told = spawnSync(process.execPath, [main, 'doctor'], { ...asNobody, env: homeless });
    expect(told.stdout).toMatch(/platform local {2}not usable {2}user id 54321 has no account/);
    rmSync(PGQUAKE_CACHE_DIR, { recursive: true });
  },
);

test('the cache folder', () => {
  expect(cachePath({ PGQUAKE_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x' }, true, '/home/a')).toBe('/c');
  expect(cachePath({ XDG_CACHE_HOME: '/x' }, true, '/root')).toBe('/var/cache/pgquake');
  expect(cachePath({ XDG_CACHE_HOME: '/x' }, false, '/home/a')).toBe('/x/pgquake');
  expect(cachePath({}, false, '/home/a')).toBe('/home/a/.cache/pgquake');
  expect(cachePath({ PGQUAKE_CACHE_DIR: '/c' }, false, undefined)).toBe('/c');
  expect(() => cachePath({}, false, undefined)).toThrow(/no folder for a cache/);
});

test('data lie in TMPDIR where it is set, else in memory where there is plenty, else on disk', () => {
  const plenty = { freeBytes: 8 * 2 ** 30, availableMemoryBytes: 8 * 2 ** 30 };
  expect(dataParent(5, '/t', plenty)).toBe('/t');
  expect(dataParent(5, undefined, plenty)).toBe('/dev/shm');
  const onDisk = dataParent(5, undefined, { ...plenty, freeBytes: undefined });
  expect(onDisk).not.toBe('/dev/shm');
  expect(dataParent(5, undefined, { ...plenty, freeBytes: 64 * 2 ** 20 })).toBe(onDisk);
  expect(dataParent(5, undefined, { ...plenty, availableMemoryBytes: 2 ** 30 })).toBe(onDisk);
});

test('the shared memory segment in a lock file', () => {
  const lines = ['4711', '/data', '1795441306', '21111', '', '127.0.0.1', '  2155833         4', 'ready   ', ''];
  expect(segmentIn(lines.join('\n'))).toEqual({ key: '2155833', id: '4' });
  expect(segmentIn(lines.slice(0, 5).join('\n'))).toBeUndefined();
  expect(segmentIn('')).toBeUndefined();
});

test('a shared memory segment is known by its key and its id together', () => {
  const table = [
    '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid',
    '   2155833          4   600                    56  4711  4711      0    65    65    65    65',
    ' -99999999          5   600                    56  4712  4712      0    65    65    65    65',
  ].join('\n');
  expect(lists(table, { key: '2155833', id: '4' })).toBe(true);
  expect(lists(table, { key: '2155833', id: '5' })).toBe(false);
  expect(lists(table, { key: '4711', id: '4' })).toBe(false);
  // The lock file holds a negative key as an unsigned number of 64 bits.
  expect(lists(table, { key: String(2n ** 64n - 99_999_999n), id: '5' })).toBe(true);
});

/** The platform `local` on a machine whose folders it cannot use: it says so before a run starts. */

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { homeFolder } from '../../src/home-folder.ts';
import { serverAccount } from '../../src/platforms/local/account.ts';
import { findBinaries } from '../../src/platforms/local/binaries.ts';
import { Cache } from '../../src/platforms/local/cache.ts';
import { openTemplate } from '../../src/platforms/local/template.ts';
import { local } from '../../src/platforms/local.ts';
import { sharded } from '../support/sharded.ts';

const isRoot = process.getuid?.() === 0;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-unusable-'));
  chmodSync(folder, 0o755);
  vi.stubEnv('PGQUAKE_CACHE_DIR', join(folder, 'cache'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A folder that only its owner can enter, and one in it. */
function barred() {
  const outer = join(folder, 'barred');
  mkdirSync(join(outer, 'inner'), { recursive: true });
  chmodSync(outer, 0o700);
  return { outer, inner: join(outer, 'inner') };
}

/** What a run ends with. */
async function refusalOfARun(): Promise<unknown> {
  const signal = new AbortController().signal;
  const { nodes } = sharded({ workers: 1, replication: 1, partitions: 1 });
  return local.provision({ nodes, settings: {}, runFolder: folder, signal }).then(
    async (cluster) => {
      await cluster.dispose();
      return undefined;
    },
    (error: unknown) => error,
  );
}

test('folders that can be used are left as they were', async () => {
  mkdirSync(join(folder, 'temporary'));
  vi.stubEnv('TMPDIR', join(folder, 'temporary'));
  expect(await local.unavailable()).toBeUndefined();
  expect(readdirSync(join(folder, 'temporary'))).toEqual([]);
  expect(readdirSync(join(folder, 'cache')).filter((name) => !name.startsWith('binaries-'))).toEqual([]);
});

test('a temporary folder that does not exist', async () => {
  vi.stubEnv('TMPDIR', join(folder, 'absent'));
  expect(await local.unavailable()).toMatchObject({
    code: 'temporary-folder-unusable',
    message: expect.stringContaining('ENOENT'),
    hint: expect.stringContaining('TMPDIR'),
  });
});

test.runIf(process.platform === 'linux')('a temporary folder is tried out for an engine’s programs too', async () => {
  vi.stubEnv('TMPDIR', join(folder, 'absent'));
  expect(await local.unavailable([], { requires: {} })).toMatchObject({ code: 'temporary-folder-unusable' });
});

describe.runIf(isRoot)('as root, whose servers run as another account', () => {
  test.each([
    ['cache', 'PGQUAKE_CACHE_DIR', 'cache-unusable'],
    ['temporary', 'TMPDIR', 'temporary-folder-unusable'],
  ])('a %s folder that this account cannot enter is refused alike before and in a run', async (_, variable, code) => {
    const { outer, inner } = barred();
    const account = await serverAccount();
    vi.stubEnv(variable, inner);
    const found = await local.unavailable();
    expect(found).toMatchObject({ code, hint: expect.stringContaining(variable) });
    expect(found?.message).toContain(inner);
    expect(found?.message).toMatch(new RegExp(`the account ${account?.name}, .*: it cannot enter ${outer}$`));
    expect(await refusalOfARun()).toMatchObject({ code, message: found?.message });
    expect(readdirSync(inner)).toEqual([]);
  });

  test('a cache folder in which root cannot make a folder', async () => {
    vi.stubEnv('PGQUAKE_CACHE_DIR', '/proc');
    const found = await local.unavailable();
    expect(found).toMatchObject({
      code: 'cache-unusable',
      message: expect.stringContaining('cannot use the cache folder /proc: '),
      hint: expect.stringContaining('PGQUAKE_CACHE_DIR'),
    });
  });
});

test('a cache with a template needs no room for more', async () => {
  const cache = await Cache.open();
  await openTemplate(await findBinaries(cache), cache, new AbortController().signal);
  const trial = vi.spyOn(Cache.prototype, 'tryOut');
  expect(await local.unavailable()).toBeUndefined();
  expect(trial).not.toHaveBeenCalled();
  trial.mockRestore();
});

test('an empty HOME counts as not set', () => {
  vi.stubEnv('HOME', '');
  expect(homeFolder()).toBe(userInfo().homedir);
});

/** Where compiled code is kept, and where it must not be. */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../../bin/pgquake.cjs');

/** A start that waits for ever holds its process. */
const LIMIT_MS = 20_000;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-compiled-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function start(cache: string): string {
  const env: NodeJS.ProcessEnv = { ...process.env, PGQUAKE_CACHE_DIR: cache };
  delete env.NODE_COMPILE_CACHE;
  const { status, stdout } = spawnSync(process.execPath, [MAIN, 'validate', 'one-worker'], {
    env,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  expect(status).toBe(0);
  return stdout;
}

test('in the folder for what is kept, for this user alone', () => {
  const listed = start(folder);
  const [compiled] = readdirSync(join(folder, 'compiled'));
  expect(readdirSync(join(folder, 'compiled', compiled as string)).length).toBeGreaterThan(10);
  expect(start(folder)).toBe(listed);
});

test('not where others could write, and no folder is made for it', () => {
  const shared = join(folder, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o777);
  start(shared);
  expect(readdirSync(shared)).toEqual([]);
  const missing = join(folder, 'missing');
  start(missing);
  expect(existsSync(missing)).toBe(false);
});

test.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
  'not in /proc, where no folder can be made',
  () => {
    start('/proc');
  },
  30_000,
);

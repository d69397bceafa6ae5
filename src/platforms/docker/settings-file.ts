/**
 * `.env` beside the Compose file of a standing cluster: the settings it was made with, for `up` and for Compose by hand. It
 * may contain a password, so only its owner can read it.
 */

import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { errorText, InputError } from '../../model/errors.ts';
import { MAX_WRITTEN_BYTES, readRegular } from '../../regular-file.ts';

/** The lines below this one are pgquake's; those above are not touched. */
const MARK = '# Kept by pgquake for the cluster of this folder. Git must not see it.';

/** Variables of the Compose file, `PGQUAKE_PORT` -> `15432`. */
export type Settings = Readonly<Record<string, string>>;

const pathIn = (folder: string) => join(folder, '.env');

async function textIn(folder: string): Promise<string | undefined> {
  try {
    return (await readRegular(pathIn(folder), MAX_WRITTEN_BYTES)).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new InputError(`${pathIn(folder)} cannot be read: ${errorText(error)}`, {
      code: 'compose-file',
      cause: error,
    });
  }
}

/** @returns all settings in the file, pgquake's or not; none without a file. */
export async function readSettings(folder: string): Promise<Settings> {
  return parseEnv((await textIn(folder)) ?? '') as Settings;
}

/** Adds or replaces settings in pgquake's part. Restricts the file to its owner before it writes a password. */
export async function keepSettings(folder: string, settings: Settings): Promise<void> {
  const text = await textIn(folder);
  const [theirs = '', ours = ''] = (text ?? '').split(MARK);
  const lines = Object.entries({ ...parseEnv(ours), ...settings }).map(([name, value]) => `${name}=${value}`);
  const before = theirs === '' || theirs.endsWith('\n') ? theirs : `${theirs}\n`;
  if (text !== undefined) await chmod(pathIn(folder), 0o600);
  await writeFile(pathIn(folder), `${before}${MARK}\n${lines.join('\n')}\n`, { mode: 0o600 });
}

/** Removes pgquake's part, and the file if nothing else is in it. @returns whether there was such a part. */
export async function forgetSettings(folder: string): Promise<boolean> {
  const text = await textIn(folder);
  if (!text?.includes(MARK)) return false;
  const [theirs = ''] = text.split(MARK);
  if (theirs.trim() === '') await rm(pathIn(folder), { force: true });
  else await writeFile(pathIn(folder), theirs);
  return true;
}

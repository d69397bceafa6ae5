/**
 * `.env` beside the Compose file of a standing cluster: what it was made with, so that `up` and Compose by
 * hand find it again. It may hold a password, so nobody but its owner may read it.
 */

import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** What stands below this line is pgquake's; what stands above it is not touched. */
const MARK = '# Kept by pgquake for the cluster of this folder. Git must not see it.';

/** Variables of the Compose file, `PGQUAKE_PORT` -> `15432`. */
export type Settings = Readonly<Record<string, string>>;

const pathIn = (folder: string) => join(folder, '.env');

async function textIn(folder: string): Promise<string | undefined> {
  try {
    return await readFile(pathIn(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns what the file says, pgquake's part or not; nothing where there is no file. */
export async function readSettings(folder: string): Promise<Settings> {
  return parseEnv((await textIn(folder)) ?? '') as Settings;
}

/** Adds to pgquake's part, or replaces there. The file is its owner's alone before a password is in it. */
export async function keepSettings(folder: string, settings: Settings): Promise<void> {
  const text = await textIn(folder);
  const [theirs = '', ours = ''] = (text ?? '').split(MARK);
  const lines = Object.entries({ ...parseEnv(ours), ...settings }).map(([name, value]) => `${name}=${value}`);
  const before = theirs === '' || theirs.endsWith('\n') ? theirs : `${theirs}\n`;
  if (text !== undefined) await chmod(pathIn(folder), 0o600);
  await writeFile(pathIn(folder), `${before}${MARK}\n${lines.join('\n')}\n`, { mode: 0o600 });
}

/** Removes pgquake's part, and the file if there is no other. @returns whether there was one. */
export async function forgetSettings(folder: string): Promise<boolean> {
  const text = await textIn(folder);
  if (!text?.includes(MARK)) return false;
  const [theirs = ''] = text.split(MARK);
  if (theirs.trim() === '') await rm(pathIn(folder), { force: true });
  else await writeFile(pathIn(folder), theirs);
  return true;
}

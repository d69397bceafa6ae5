/** Creates folders with their parents. Node's recursive `mkdir` never returns in some places, such as below /proc. */

import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Creates a folder and its missing parents. Harmless where it exists.
 * @param mode of each folder that it creates, less the process's umask.
 * @returns the topmost folder that it created; `undefined` where it created none.
 * @throws the system's error.
 */
export function makeFolder(path: string, mode = 0o777): string | undefined {
  const folder = resolve(path);
  try {
    mkdirSync(folder, { mode });
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || dirname(folder) === folder) {
      if (!isFolder(folder)) throw error;
      return undefined;
    }
  }
  const topmost = makeFolder(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // The parent exists now, so another error is final.
    if (!isFolder(folder)) throw error;
  }
  return topmost ?? folder;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

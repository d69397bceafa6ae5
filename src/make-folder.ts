/** Creates folders with their parents. Node's recursive `mkdir` never returns in some places, such as below /proc. */

import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Creates a folder and its missing parents. Harmless where it exists.
 * @param mode of each folder that it creates, less the process's umask.
 * @returns the topmost folder that it created; `undefined` where it created none.
 * @throws the system's error.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<string | undefined> {
  const folder = resolve(path);
  try {
    await mkdir(folder, { mode });
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(folder) !== folder) {
      const topmost = await makeFolder(dirname(folder), mode);
      // The parent exists now, so another error is final.
      await mkdir(folder, { mode }).catch(unlessFolder(folder));
      return topmost ?? folder;
    }
    await unlessFolder(folder)(error);
    return undefined;
  }
}

const unlessFolder = (folder: string) => async (error: unknown) => {
  if (
    !(await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  )
    throw error;
};

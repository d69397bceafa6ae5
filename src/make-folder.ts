/** Folders with their parents. Node's own recursive `mkdir` never ends in some places, such as below /proc. */

import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and the parents that it lacks. Harmless where it is there.
 * @returns the topmost folder that it made; `undefined` where it made none.
 * @throws the system's error.
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const folder = resolve(path);
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(folder) !== folder) {
      const topmost = await makeFolder(dirname(folder));
      // The parent is there now: whatever is wrong this time stays wrong.
      await mkdir(folder).catch(unlessFolder(folder));
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

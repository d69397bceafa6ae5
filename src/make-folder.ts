/** Creates folders with their parents. Node's recursive `mkdir` never returns in some places, such as below /proc. */

import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Creates a folder and its missing parents. Harmless where it exists.
 * @returns the topmost folder that it created; `undefined` where it created none.
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
      // The parent exists now, so another error is final.
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

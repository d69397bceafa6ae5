/**
 * `cluster.json` in a run's folder: all that finds and removes a cluster after pgquake was killed. Written before the
 * cluster is made, removed after it is gone.
 */

import { join } from 'node:path';
import { z } from 'zod';
import { CLUSTER_FILE } from '../cluster/platform.ts';
import { filesIn, writeHint } from '../disk/files-in.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { readRegular } from '../regular-file.ts';
import { disown } from './owner.ts';

/**
 * Writes the file atomically: a reader never sees half of it.
 * @throws EnvironmentError when it cannot be written.
 */
export async function writeClusterFile(runFolder: string, content: object): Promise<void> {
  const path = join(runFolder, CLUSTER_FILE);
  try {
    filesIn(path).replace(path, `${JSON.stringify(content, null, 2)}\n`);
  } catch (error) {
    throw new EnvironmentError(`cannot write ${path}: ${errorText(error)}`, {
      code: 'reports-folder',
      hint: writeHint(error),
      cause: error,
    });
  }
}

/**
 * @returns `undefined` without a file: the cluster is gone.
 * @throws EnvironmentError when the file is damaged.
 */
export async function readClusterFile<T>(runFolder: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const path = join(runFolder, CLUSTER_FILE);
  try {
    return schema.parse(JSON.parse((await readRegular(path)).toString('utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const reason = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : errorText(error);
    throw new EnvironmentError(`${path} cannot be read: ${reason}`, {
      code: 'cluster-file-damaged',
      hint: 'remove by hand the processes and folders, or the Compose project, that it names, and then the file',
      cause: error,
    });
  }
}

/** Harmless twice. */
export async function removeClusterFile(runFolder: string): Promise<void> {
  const path = join(runFolder, CLUSTER_FILE);
  filesIn(path).remove(`${path}.unfinished`);
  filesIn(path).remove(path);
  await disown(runFolder);
}

/**
 * For when the cluster is gone: a file that cannot be removed is then harmless.
 * @param say is told if it remains.
 */
export async function forgetCluster(runFolder: string, say: (line: string) => void): Promise<void> {
  try {
    await removeClusterFile(runFolder);
  } catch (error) {
    say(`the cluster is removed, but its record ${join(runFolder, CLUSTER_FILE)} is not: ${errorText(error)}`);
  }
}

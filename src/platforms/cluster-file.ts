/**
 * `cluster.json` in a run's folder: what it takes to find and remove a cluster after pgquake itself was
 * killed. Written before the first thing of the cluster is made, removed after the last one is gone.
 */

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CLUSTER_FILE } from '../cluster/platform.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import { disown } from './owner.ts';

const unfinished = (runFolder: string) => join(runFolder, `${CLUSTER_FILE}.unfinished`);

/**
 * Writes it in one step: whoever reads it, whenever, reads a whole one.
 * @throws EnvironmentError when it cannot be written.
 */
export async function writeClusterFile(runFolder: string, content: object): Promise<void> {
  try {
    await writeFile(unfinished(runFolder), `${JSON.stringify(content, null, 2)}\n`);
    await rename(unfinished(runFolder), join(runFolder, CLUSTER_FILE));
  } catch (error) {
    throw new EnvironmentError(`cannot write ${join(runFolder, CLUSTER_FILE)}: ${errorText(error)}`, {
      code: 'reports-folder',
      hint: 'make space, or choose a folder that can be written to with --reports <folder>',
      cause: error,
    });
  }
}

/**
 * @returns `undefined` where there is none: the cluster is gone.
 * @throws EnvironmentError where it is not as it was written.
 */
export async function readClusterFile<T>(runFolder: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const path = join(runFolder, CLUSTER_FILE);
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const reason = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : errorText(error);
    throw new EnvironmentError(`${path} cannot be read: ${reason}`, {
      code: 'cluster-file-damaged',
      hint: 'see in it which processes and folders, or which Compose project, it names; remove them and the file by hand',
      cause: error,
    });
  }
}

/** Harmless twice. */
export async function removeClusterFile(runFolder: string): Promise<void> {
  await rm(unfinished(runFolder), { force: true });
  await rm(join(runFolder, CLUSTER_FILE), { force: true });
  await disown(runFolder);
}

/**
 * For when the cluster is gone: a file that cannot be removed then names what does not exist, which costs nobody anything.
 * @param say hears of that.
 */
export async function forgetCluster(runFolder: string, say: (line: string) => void): Promise<void> {
  try {
    await removeClusterFile(runFolder);
  } catch (error) {
    say(`the cluster is removed, and ${join(runFolder, CLUSTER_FILE)}, which names it, is not: ${errorText(error)}`);
  }
}

/** Which process does the file operations in a folder: one of its own during a run, else this one. */

import { dirname, resolve } from 'node:path';
import { atALimit } from '../model/errors.ts';
import { DiskProcess, SilentDiskError } from './disk-process.ts';
import { type Files, ownFiles } from './files.ts';

interface Used {
  /** Of those that use it. */
  count: number;
  starting: Promise<DiskProcess>;
  disk: DiskProcess | undefined;
  /** The failed one in whose place another is starting. */
  replaced: DiskProcess | undefined;
}

const used = new Map<string, Used>();

/**
 * Starts a process that does the file operations in a folder until this is disposed. If there is one, it is shared; in place of
 * one that has failed, all its users get another, since the disk may answer again.
 * @throws EnvironmentError if it cannot be started.
 */
export async function useDisk(folder: string): Promise<AsyncDisposable> {
  const path = resolve(folder);
  const use = used.get(path) ?? { count: 0, starting: DiskProcess.start(path), disk: undefined, replaced: undefined };
  used.set(path, use);
  use.count++;
  if (use.disk?.failure && use.replaced !== use.disk) replace(use, use.disk, path);
  const release = async () => {
    if (--use.count > 0) return;
    used.delete(path);
    await use.disk?.[Symbol.asyncDispose]();
  };
  try {
    use.disk = await use.starting;
  } catch (error) {
    await release();
    throw error;
  }
  return { [Symbol.asyncDispose]: release };
}

/** Until the other has started, operations fail as before. */
function replace(use: Used, failed: DiskProcess, path: string): void {
  use.replaced = failed;
  use.starting = failed[Symbol.asyncDispose]().then(() => DiskProcess.start(path));
  use.starting.catch(() => {
    use.replaced = undefined;
  });
}

/** Operations in this folder or below; `path` is absolute. */
export function filesIn(path: string): Files {
  return diskOf(path)?.files ?? ownFiles;
}

/** Why this folder cannot be used any more, if it is that of a run. */
export function diskFailure(path: string): Error | undefined {
  return diskOf(path)?.failure;
}

/** That of the innermost folder: a run may have its reports within those of another, which may end first. */
function diskOf(path: string): DiskProcess | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    const use = used.get(folder);
    if (use) return use.disk;
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * What to do about a file that cannot be written.
 * @param otherwise where neither a limit nor a silent disk is the cause.
 */
export function writeHint(
  cause: unknown,
  otherwise = 'make space, or choose another folder with --reports <folder>',
): string {
  if (cause instanceof SilentDiskError) return cause.hint ?? otherwise;
  return atALimit(cause)?.hint ?? otherwise;
}

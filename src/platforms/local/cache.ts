/** The cache folder: the database template and readable binaries, kept from run to run. */

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { cachePath, homeFolder } from '../../home-folder.ts';
import { makeFolder } from '../../make-folder.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';

/** No entry takes this long to make: the process that started it was killed. */
const STALE_AFTER_MS = 3_600_000;
const UNFINISHED = '.unfinished';

export class Cache {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws EnvironmentError when the folder cannot be made or belongs to another user. */
  static async open(): Promise<Cache> {
    const isRoot = process.getuid?.() === 0;
    const folder = resolve(cachePath(process.env, isRoot, homeFolder()));
    try {
      const firstMade = await makeFolder(folder);
      // The servers' account must be able to enter it, even if root's umask denies that.
      if (isRoot && firstMade !== undefined) {
        for (let made = folder; made.length >= firstMade.length; made = dirname(made)) await chmod(made, 0o755);
      }
      // Servers run these files: another user who could write them could run code as this user.
      const { uid } = await stat(folder);
      if (process.getuid && uid !== process.getuid()) throw new Error(`it belongs to user id ${uid}`);
      return new Cache(folder);
    } catch (error) {
      throw unusable(folder, error);
    }
  }

  /** The path of an entry, existing or not. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /**
   * Makes an entry in a temporary folder and moves it into place atomically. If another process was quicker, its entry
   * stays.
   */
  async make(name: string, fill: (folder: string) => Promise<void>): Promise<void> {
    await this.#removeStale();
    const folder = this.path(`${name}-${randomBytes(6).toString('hex')}${UNFINISHED}`);
    try {
      await mkdir(folder).catch((error: unknown) => {
        throw unusable(this.folder, error);
      });
      await fill(folder);
      await rename(folder, this.path(name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Removes an entry at once, even if another process is using it; that process then fails. */
  async discard(name: string): Promise<void> {
    const folder = this.path(`${name}-${randomBytes(6).toString('hex')}${UNFINISHED}`);
    await rename(this.path(name), folder).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }

  async #removeStale(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (!name.endsWith(UNFINISHED)) continue;
      const made = await stat(this.path(name)).catch(() => undefined);
      if (!made || Date.now() - made.mtimeMs < STALE_AFTER_MS) continue;
      await rm(this.path(name), { recursive: true, force: true });
    }
  }
}

function unusable(folder: string, error: unknown): EnvironmentError {
  return new EnvironmentError(`cannot use the cache folder ${folder}: ${errorText(error)}`, {
    code: 'cache-unusable',
    hint: 'set PGQUAKE_CACHE_DIR to a folder of your own',
    cause: error,
  });
}

/** The folder for what is worth keeping from run to run: the database template, and readable binaries. */

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { cachePath, homeFolder } from '../../home-folder.ts';
import { makeFolder } from '../../make-folder.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';

/** Nobody works on an entry for that long: whoever made it was killed. */
const STALE_AFTER_MS = 3_600_000;
const UNFINISHED = '.unfinished';

export class Cache {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws EnvironmentError when the folder cannot be made or belongs to somebody else. */
  static async open(): Promise<Cache> {
    const isRoot = process.getuid?.() === 0;
    const folder = resolve(cachePath(process.env, isRoot, homeFolder()));
    try {
      const firstMade = await makeFolder(folder);
      // The servers' account must be able to enter it, also where root's umask denies that.
      if (isRoot && firstMade !== undefined) {
        for (let made = folder; made.length >= firstMade.length; made = dirname(made)) await chmod(made, 0o755);
      }
      // Servers run what lies here; whoever else could write to it could run code as this user.
      const { uid } = await stat(folder);
      if (process.getuid && uid !== process.getuid()) throw new Error(`it belongs to user id ${uid}`);
      return new Cache(folder);
    } catch (error) {
      throw unusable(folder, error);
    }
  }

  /** Where an entry lies, whether it is there or not. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /**
   * Makes an entry in a folder of its own and moves it to its place in one step; when another process
   * was quicker, the entry of that one stays.
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

  /** Takes an entry away at once, also under the feet of others who use it; they will find out. */
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

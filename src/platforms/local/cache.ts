/** The cache folder: the database template and readable binaries, kept from run to run. */

import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { cachePath, homeFolder } from '../../home-folder.ts';
import { makeFolder } from '../../make-folder.ts';
import { atALimit, EnvironmentError, errorText } from '../../model/errors.ts';
import { type Account, mustEnter, serverAccount } from './account.ts';

/** No entry takes this long to make: the process that started it was killed. */
const STALE_AFTER_MS = 3_600_000;
const UNFINISHED = '.unfinished';

export class Cache {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws EnvironmentError when the folder cannot be made, belongs to another user, or bars the servers' account. */
  static async open(): Promise<Cache> {
    // First: without it no folder helps.
    const account = await serverAccount();
    const isRoot = process.getuid?.() === 0;
    const folder = resolve(cachePath(process.env, isRoot, homeFolder()));
    try {
      const firstMade = makeFolder(folder);
      // The servers' account must be able to enter it, even if root's umask denies that.
      if (isRoot && firstMade !== undefined) {
        for (let made = folder; made.length >= firstMade.length; made = dirname(made)) await chmod(made, 0o755);
      }
      // Servers run these files: another user who could write them could run code as this user.
      const { uid } = await stat(folder);
      if (process.getuid && uid !== process.getuid()) throw new Error(`it belongs to user id ${uid}`);
    } catch (error) {
      throw unusable(folder, error);
    }
    await mustEnter(folder, account).catch((error: unknown) => {
      throw unusable(folder, error, account);
    });
    return new Cache(folder);
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
    const folder = await this.#begin(name);
    try {
      await fill(folder);
      await rename(folder, this.path(name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** @throws EnvironmentError when no entry can be made for the account. */
  async tryOut(account: Account | undefined): Promise<void> {
    const folder = await this.#begin('trial');
    try {
      if (account) await chown(folder, account.uid, account.gid);
    } catch (error) {
      throw unusable(this.folder, error);
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

  async #begin(name: string): Promise<string> {
    const folder = this.path(`${name}-${randomBytes(6).toString('hex')}${UNFINISHED}`);
    await mkdir(folder).catch((error: unknown) => {
      throw unusable(this.folder, error);
    });
    return folder;
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

/** @param barred the account that cannot use it; by default this process cannot. */
function unusable(folder: string, error: unknown, barred?: Account): EnvironmentError {
  const limit = atALimit(error);
  if (limit) return limit;
  const who = barred ? `the account ${barred.name}, which runs the servers, ` : '';
  return new EnvironmentError(`${who}cannot use the cache folder ${folder}: ${errorText(error)}`, {
    code: 'cache-unusable',
    hint: `set PGQUAKE_CACHE_DIR to a folder of your own${barred ? ' that this account can enter' : ''}`,
    cause: error,
  });
}

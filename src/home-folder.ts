/** The user's home folder, if any, and the folder for cached files. */

import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError } from './model/errors.ts';

/**
 * HOME, or the account's folder if HOME is empty or not set.
 * @returns `undefined` where the user id has no account either, as in many containers.
 */
export function homeFolder(): string | undefined {
  try {
    return homedir() || userInfo().homedir || undefined;
  } catch {
    return undefined;
  }
}

/**
 * `PGQUAKE_CACHE_DIR`, else `/var/cache/pgquake` as root, else `pgquake` in the user's own cache folder.
 * @throws EnvironmentError for a user without a home folder.
 */
export function cachePath(env: NodeJS.ProcessEnv, isRoot: boolean, home: string | undefined): string {
  if (env.PGQUAKE_CACHE_DIR) return env.PGQUAKE_CACHE_DIR;
  if (isRoot) return '/var/cache/pgquake';
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'pgquake');
  if (home === undefined) {
    throw new EnvironmentError('there is no folder for a cache: HOME is not set and this user id has no account', {
      code: 'cache-unusable',
      hint: 'set PGQUAKE_CACHE_DIR to a folder that you can write to',
    });
  }
  return join(home, '.cache', 'pgquake');
}

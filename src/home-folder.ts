/** The user's home folder, for users who have one. */

import { homedir } from 'node:os';

/** @returns `undefined` where HOME is not set and the user id has no account, as in many containers. */
export function homeFolder(): string | undefined {
  try {
    return homedir() || undefined;
  } catch {
    return undefined;
  }
}

/** Keeps compiled code from run to run, in pgquake's cache folder: compiling is a third of the start. */

import { mkdirSync, statSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { cachePath, homeFolder } from '../home-folder.ts';

/** Does nothing unless the folder exists and only this user can write to it: another writer could run code as this user. */
export function reuseCompiled(): void {
  const uid = process.getuid?.();
  if (process.env.NODE_COMPILE_CACHE !== undefined || uid === undefined) return;
  try {
    const folder = cachePath(process.env, uid === 0, homeFolder());
    if (!isOwn(folder, uid)) return;
    const compiled = join(folder, 'compiled');
    makeIn(compiled);
    if (!isOwn(compiled, uid)) return;
    module.enableCompileCache(compiled);
    // Worker threads learn of the cache only through the environment.
    process.env.NODE_COMPILE_CACHE = compiled;
  } catch {
    // Without the cache, pgquake only starts more slowly.
  }
}

/** Its parent exists. */
function makeIn(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function isOwn(folder: string, uid: number): boolean {
  const { uid: owner, mode } = statSync(folder);
  return owner === uid && (mode & 0o022) === 0;
}

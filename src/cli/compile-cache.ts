/** Compiled code is kept from run to run, in the folder for what is worth keeping: it is a third of the start. */

import { mkdirSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cachePath, homeFolder } from '../home-folder.ts';

/** Does nothing where the folder is not there yet, or is not this user's alone: who could write there could run code as him. */
export function reuseCompiled(): void {
  const uid = process.getuid?.();
  if (process.env.NODE_COMPILE_CACHE !== undefined || uid === undefined) return;
  try {
    const folder = cachePath(process.env, uid === 0, homeFolder());
    if (!isOwn(folder, uid)) return;
    const compiled = join(folder, 'compiled');
    mkdirSync(compiled, { recursive: true, mode: 0o700 });
    if (!isOwn(compiled, uid)) return;
    enableCompileCache(compiled);
    // Threads hear of it by the environment alone.
    process.env.NODE_COMPILE_CACHE = compiled;
  } catch {
    // Slower, and nothing else.
  }
}

function isOwn(folder: string, uid: number): boolean {
  const { uid: owner, mode } = statSync(folder);
  return owner === uid && (mode & 0o022) === 0;
}

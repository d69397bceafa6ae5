/** Finds the config file. Does not load it. */

import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';

/** In this order; the first that exists is used. */
const CONFIG_FILES = ['pgquake.config.ts', 'pgquake.config.mts', 'pgquake.config.js', 'pgquake.config.mjs'] as const;

/**
 * Looks for a config file in a folder, then in its parents up to the current folder, and last in the current folder.
 * @returns its absolute path; `undefined` where there is none.
 */
export function findConfig(folder: string): string | undefined {
  const top = resolve('.');
  const folders: string[] = [];
  for (let at = resolve(folder); isBelow(at, top); at = dirname(at)) folders.push(at);
  if (folders.length === 0) folders.push(resolve(folder));
  return [...folders, top].flatMap((at) => CONFIG_FILES.map((name) => join(at, name))).find((file) => existsSync(file));
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}

/** Where pgquake itself lies, and what a person types to run it from there. */

import { existsSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** This file is in `src/model`, and in `dist/chunks` when built. */
const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));
const IS_SOURCE = import.meta.url.endsWith('.ts');

/**
 * `npm run chaos --` in a checkout, `npx pgquake` where it is installed for one project, else `pgquake`.
 * @param folder of the package. @param checkout whether its source is there. @param here the working directory.
 */
export function commandOf(folder: string, checkout: boolean, here: string): string {
  if (checkout) return 'npm run chaos --';
  const [project, inside] = folder.split(`${sep}node_modules${sep}`);
  const local = inside !== undefined && project !== undefined && `${here}${sep}`.startsWith(`${project}${sep}`);
  return local ? 'npx pgquake' : 'pgquake';
}

/** What a person types before the arguments. */
export function ownCommand(): string {
  return commandOf(PACKAGE_FOLDER, existsSync(join(PACKAGE_FOLDER, 'src')), process.cwd());
}

/** Where the package is installed, or the checkout. */
export function packageFolder(): string {
  return PACKAGE_FOLDER;
}

/** Where pgquake's own code runs from: `src`, or `dist` when built. */
export function codeFolder(): string {
  return join(PACKAGE_FOLDER, IS_SOURCE ? 'src' : 'dist');
}

/**
 * A module that a thread is started with. `tools/build.ts` names it too.
 * @param path below `src`, without its extension.
 */
export function threadModule(path: string): URL {
  return pathToFileURL(join(codeFolder(), `${path}.${IS_SOURCE ? 'ts' : 'js'}`));
}

/** A page of the documentation, `scenario.md`, as a path from the working directory. */
export function documentation(page: string): string {
  return relative('.', `${PACKAGE_FOLDER}docs/${page}`);
}

/** pgquake's own version, from its package. */
export function version(): string {
  return (JSON.parse(readFileSync(`${PACKAGE_FOLDER}package.json`, 'utf8')) as { version: string }).version;
}

/** Where pgquake is installed, and the command that runs it from there. */

import { existsSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** This file is in `src/model`, and in `dist/chunks` when built. */
const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));
const IS_SOURCE = import.meta.url.endsWith('.ts');

/**
 * The command of a checkout, of a project's dependency or of a global installation.
 * @param folder of the package. @param checkout whether the folder has the source. @param here the working directory.
 */
export function commandOf(folder: string, checkout: boolean, here: string): string {
  if (checkout) return 'npm run chaos --';
  const [project, inside] = folder.split(`${sep}node_modules${sep}`);
  const local = inside !== undefined && project !== undefined && `${here}${sep}`.startsWith(`${project}${sep}`);
  return local ? 'npx pgquake' : 'pgquake';
}

/** The command to type before the arguments. */
export function ownCommand(): string {
  return commandOf(PACKAGE_FOLDER, existsSync(join(PACKAGE_FOLDER, 'src')), process.cwd());
}

/** The folder of the installed package, or of the checkout. */
export function packageFolder(): string {
  return PACKAGE_FOLDER;
}

/** The folder that pgquake's code runs from: `src`, or `dist` if built. */
export function codeFolder(): string {
  return join(PACKAGE_FOLDER, IS_SOURCE ? 'src' : 'dist');
}

/**
 * The entry module of a thread. `tools/build.ts` lists them too.
 * @param path below `src`, without extension.
 */
export function threadModule(path: string): URL {
  return pathToFileURL(join(codeFolder(), `${path}.${IS_SOURCE ? 'ts' : 'js'}`));
}

/** The path of a documentation page such as `scenario.md`, relative to the working directory. */
export function documentation(page: string): string {
  return relative('.', `${PACKAGE_FOLDER}docs/${page}`);
}

interface Package {
  readonly version: string;
  readonly engines: { readonly node: string };
}

function ownPackage(): Package {
  return JSON.parse(readFileSync(`${PACKAGE_FOLDER}package.json`, 'utf8')) as Package;
}

/** pgquake's version, from its package. */
export function version(): string {
  return ownPackage().version;
}

/** The oldest Node.js that runs pgquake: `22.18`. */
export function oldestNode(): string {
  return ownPackage().engines.node.replace('>=', '');
}

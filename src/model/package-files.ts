/** Where pgquake itself lies, and what a person types to run it from there. */

import { readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/**
 * `npm run chaos --` in a checkout, `npx pgquake` where it is installed for one project, else `pgquake`.
 * @param folder of the package. @param source whether it runs from its source. @param here the working directory.
 */
export function commandOf(folder: string, source: boolean, here: string): string {
  if (source) return 'npm run chaos --';
  const [project, inside] = folder.split(`${sep}node_modules${sep}`);
  const local = inside !== undefined && project !== undefined && `${here}${sep}`.startsWith(`${project}${sep}`);
  return local ? 'npx pgquake' : 'pgquake';
}

/** What a person types before the arguments. */
export function ownCommand(): string {
  return commandOf(PACKAGE_FOLDER, import.meta.url.endsWith('.ts'), process.cwd());
}

/** Where the package is installed, or the checkout. */
export function packageFolder(): string {
  return PACKAGE_FOLDER;
}

/** A page of the documentation, `scenario.md`, as a path from the working directory. */
export function documentation(page: string): string {
  return relative('.', `${PACKAGE_FOLDER}docs/${page}`);
}

/** pgquake's own version, from its package. */
export function version(): string {
  return (JSON.parse(readFileSync(`${PACKAGE_FOLDER}package.json`, 'utf8')) as { version: string }).version;
}

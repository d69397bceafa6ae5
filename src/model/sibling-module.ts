/** Modules that a thread is started with. */

/**
 * A module beside another one, as source (`.ts`) or as published (`.js`).
 * @param beside the `import.meta.url` of the other one.
 * @param name without its extension.
 */
export function siblingModule(beside: string, name: string): URL {
  const extension = beside.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, beside);
}

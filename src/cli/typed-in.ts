/** Resolves paths against the folder in which the user typed them: `npm run` calls pgquake in the package's folder. */

import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/**
 * @param scenarios names or paths.
 * @param from the folder in which npm was called, which npm passes in `INIT_CWD`.
 * @returns the scenarios; a path that exists only relative to `from` becomes absolute.
 */
export function typedIn<T extends string | readonly string[]>(scenarios: T, from: string | undefined): T {
  if (from === undefined) return scenarios;
  const found = (name: string) => {
    if (!/[/\\]|\.ya?ml$/.test(name) || isAbsolute(name) || existsSync(name)) return name;
    const there = join(from, name);
    return existsSync(there) ? there : name;
  };
  return (typeof scenarios === 'string' ? found(scenarios) : scenarios.map(found)) as T;
}

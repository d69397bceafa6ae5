/** Paths as a person typed them: `npm run` calls pgquake in the package's folder, whatever folder he is in. */

import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/**
 * @param scenarios names or paths.
 * @param from where npm was called, as npm says itself (`INIT_CWD`).
 * @returns a path that leads nowhere from here, and somewhere from there, as that.
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

/** What pgquake imports on demand: once a run has struck, nothing may depend on files that are gone or cannot be opened. */

import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const SRC = resolve(import.meta.dirname, '../../src');
/** These load a command, before it does anything. */
const STARTING = ['cli/commands.ts', 'cli/open.ts', 'cli/commands/connect.ts'];
/** These load the parts of a run before it makes a cluster, and what reads it back before it strikes. */
const LOADING = ['run-parts.ts', 'store.ts'];

/** The files of pgquake that a file imports on demand. */
function onDemand(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(/\bimport\('(\.[^']+)'\)/g)].map(([, path]) => join(file, '..', path as string));
}

test('nothing but what is loaded before the first strike', () => {
  const loaded = LOADING.flatMap(onDemand);
  expect(loaded).toContain('sql/session.ts');
  const others = globSync('**/*.ts', { cwd: SRC }).filter((file) => ![...STARTING, ...LOADING].includes(file));
  const late = others.flatMap((file) =>
    onDemand(file)
      .filter((path) => !loaded.includes(path))
      .map((path) => `${file} imports ${path}`),
  );
  expect(late).toEqual([]);
});

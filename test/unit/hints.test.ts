/** What an error advises is safe to do without a second thought. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../../src');

/** Every line of src/ that writes a hint or an advice. */
const hints = globSync('**/*.ts', { cwd: SRC }).flatMap((file) =>
  [...readFileSync(join(SRC, file), 'utf8').matchAll(/\b(?:hint|advice)\b\s*(?::|=|\?|\n)[^;]*?(['"`].*)/g)].map(
    ([, words = '']) => ({ file, words }),
  ),
);

const TAKES_AWAY = /\b(delete|remove|drop|truncate|wipe|erase|purge|prune|rm)\b|--volumes|pgquake down/i;

/** What is left of a cluster that a run made, and the file in its run folder that says so. */
const OUR_OWN = ['platforms/cluster-file.ts', 'platforms/owner.ts', 'run/left-behind.ts', 'platforms/docker.ts'];

test('hints are found', () => {
  expect(hints.length).toBeGreaterThan(100);
});

test('no hint advises to delete anything but what a run of pgquake left behind', () => {
  const taking = hints.filter(({ words }) => TAKES_AWAY.test(words));
  expect(taking.filter(({ file }) => !OUR_OWN.includes(file))).toEqual([]);
  for (const { words } of taking) expect(words).toMatch(/cluster\.json|CLUSTER_FILE|by hand/);
});

/** Every scenario of the examples is one, with the variants that its config names. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pgquake } from '../../src/pgquake.ts';
import type { Config } from '../../src/quake.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const scenariosIn = (folder: string) =>
  readdirSync(join(EXAMPLES, folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(EXAMPLES, folder, name));

test.each(['own-sql', 'own-variants/scenarios'])('%s', async (folder) => {
  // Its types are looked at where the package's own name is known.
  const { default: config } = (await import(join(EXAMPLES, folder, 'pgquake.config.ts'))) as { default: Config };
  const files = scenariosIn(folder);
  expect(files.length).toBeGreaterThan(0);
  const quake = pgquake(config);
  for (const file of files) {
    const { acts } = quake.plan(await quake.load(file), { seed: 1 });
    expect(acts.length, file).toBeGreaterThan(0);
  }
});

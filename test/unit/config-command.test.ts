/** The command line with a config file: own variants and defaults, and what comes before what. Starts no server. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const { isBuilt } = createRequire(import.meta.url)(join(ROOT, 'bin/built.cjs')) as { isBuilt(root: string): boolean };
/** As the command line is loaded, so that it is loaded once. */
const PACKAGE = pathToFileURL(join(ROOT, isBuilt(ROOT) ? 'dist/index.js' : 'src/index.ts')).href;

/** A platform that can be chosen, and never makes anything. */
const platform = (name: string) => `{
  name: '${name}', summary: '${name} for tests.', capabilities: new Set(),
  unavailable: async () => undefined, offers: async () => false,
  provision() { throw new Error('nothing may be started'); }, reclaim() { throw new Error('nothing was started'); },
}`;

const CONFIG = `import { defineCheck, defineConfig, defineFault, z } from '${PACKAGE}';

const nap = defineFault({
  name: 'nap', summary: 'Does nothing.', params: z.strictObject({ deeply: z.boolean().default(false) }), needs: [],
  inject: async () => undefined, prove: async () => 'nothing', undo: async () => 'nothing',
});
const quiet = defineCheck({
  name: 'quiet', summary: 'Says nothing.', params: z.strictObject({}),
  check: () => ({ judgement: 'pass', expected: 'x', observed: 'y', evidence: [] }),
});

export default defineConfig({
  faults: [nap], checks: [quiet], platforms: [${platform('one')}, ${platform('two')}],
  platform: 'one', engine: 'native', seed: 41, reports: 'kept',
});
`;

const scenario = (name: string, rest = '') => `name: ${name}
summary: A worker naps.
${rest}
faults: [{ fault: nap, target: { role: worker, pick: 1 }, for: 1s, deeply: true }]
hypothesis: [{ check: quiet }]
`;

let place: Workplace;

beforeAll(() => {
  place = new Workplace();
  mkdirSync(join(place.folder, 'chaos'));
  writeFileSync(join(place.folder, 'chaos/pgquake.config.ts'), CONFIG);
  writeFileSync(join(place.folder, 'chaos/napping.yaml'), scenario('napping'));
  writeFileSync(join(place.folder, 'chaos/stated.yaml'), scenario('stated', 'seed: 42\ncluster: { platform: two }'));
  writeFileSync(join(place.folder, 'plain.yaml'), scenario('plain'));
});

afterAll(() => place[Symbol.dispose]());

const pgquake = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => place.start(args, env).ended;

describe('the config file beside a scenario', () => {
  test('brings its variants and defaults', async () => {
    const { code, stdout } = await pgquake(['plan', 'chaos/napping.yaml']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^platform one, engine native: /);
    expect(stdout).toMatch(/seed 41\b/);
    expect(stdout).toMatch(/nap /);
  });

  test('counts for scenarios beside it alone', async () => {
    const { code, stderr } = await pgquake(['validate', 'plain.yaml']);
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('there is no fault "nap"') });
    expect((await pgquake(['validate', 'plain.yaml', '--config', 'chaos/pgquake.config.ts'])).code).toBe(0);
    expect((await pgquake(['validate', 'plain.yaml'], { PGQUAKE_CONFIG: 'chaos/pgquake.config.ts' })).code).toBe(0);
  });

  test('of two scenarios is the same one', async () => {
    const { code, stderr } = await pgquake(['validate', 'plain.yaml', 'chaos/napping.yaml']);
    expect(code).toBe(3);
    expect(stderr).toContain('these scenarios have different config files: none, chaos/pgquake.config.ts');
  });

  test('adds its names to the schema', async () => {
    const { stdout } = await pgquake(['schema', '--config', 'chaos/pgquake.config.ts']);
    expect(stdout).toContain('"nap"');
    expect(stdout).toContain('"node-kill"');
    expect((await pgquake(['schema'])).stdout).not.toContain('"nap"');
  });

  test('that throws starts nothing, and says where', async () => {
    writeFileSync(join(place.folder, 'broken.config.mjs'), '\nthrow new Error("no licence");\n');
    const { code, stderr } = await pgquake(['chaos/napping.yaml', '--config', 'broken.config.mjs']);
    expect(code).toBe(3);
    expect(stderr).toContain('broken.config.mjs:2: it cannot be loaded: no licence');
  });
});

describe('what counts: flag, then environment, then scenario, then config file', () => {
  test.each([
    ['the config file', 'napping', [], {}, 'one', 41],
    ['the scenario before it', 'stated', [], {}, 'two', 42],
    ['the environment before both', 'stated', [], { PGQUAKE_PLATFORM: 'one', PGQUAKE_SEED: '43' }, 'one', 43],
    [
      'a flag before all',
      'stated',
      ['--platform', 'two', '--seed', '44'],
      { PGQUAKE_PLATFORM: 'one', PGQUAKE_SEED: '43' },
      'two',
      44,
    ],
  ] as const)('%s', async (_, name, args, env, chosen, seed) => {
    const { code, stdout } = await pgquake(['plan', `chaos/${name}.yaml`, ...args], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^platform ${chosen}, engine native: `));
    expect(stdout).toMatch(new RegExp(`seed ${seed}\\b`));
  });

  test.each([
    [[], {}, 'chaos/kept'],
    [[], { PGQUAKE_REPORTS: 'from-environment' }, 'from-environment'],
    [['--reports', 'from-flag'], { PGQUAKE_REPORTS: 'from-environment' }, 'from-flag'],
  ])('reports with %j and %j', async (args, env, folder) => {
    const { stdout } = await pgquake(['heal', '--config', 'chaos/pgquake.config.ts', ...args], env);
    expect(stdout).toBe(`nothing was left behind in ${folder}\n`);
  });

  test.each([
    [['plain.yaml'], {}, 3, 'error plain.yaml is not a folder; expected a run folder'],
    [['--reports', 'plain.yaml'], {}, 3, 'error cannot read the folder plain.yaml: ENOTDIR'],
    [[], { PGQUAKE_REPORTS: 'plain.yaml' }, 3, 'error cannot read the folder plain.yaml: ENOTDIR'],
    [['--reports', 'nowhere'], {}, 0, 'warning there is no folder nowhere'],
    [[], { PGQUAKE_REPORTS: 'nowhere' }, 0, 'warning there is no folder nowhere'],
    [[], {}, 0, ''],
  ])('heal with %j and %j, where there is no such folder', async (args, env, expected, said) => {
    const { code, stderr } = await pgquake(['heal', ...args], env);
    expect({ code, said: stderr.split('\n', 1)[0] }).toEqual({
      code: expected,
      said: expect.stringMatching(`^${said}`),
    });
    expect(stderr === '').toBe(said === '');
  });

  test.each([
    [['--platform', 'tow'], {}, 'there is no platform "tow"; did you mean "two"?'],
    [[], { PGQUAKE_PLATFORM: 'tow' }, 'there is no platform "tow"; did you mean "two"?'],
    [['--engine', 'natvie'], {}, 'there is no engine "natvie"; did you mean "native"?'],
    [[], { PGQUAKE_SEED: ' ' }, 'PGQUAKE_SEED: expected a whole number from 0 to 4294967295, found " "'],
    [[], { PGQUAKE_SEED: 'seven' }, 'PGQUAKE_SEED: expected a whole number from 0 to 4294967295, found "seven"'],
  ])('a name that is not in the catalogue is refused: %j %j', async (args, env, message) => {
    const { code, stderr } = await pgquake(['chaos/napping.yaml', ...args], env);
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(message) });
  });
});

/** pgquake.config.ts: where pgquake looks for it, its effects, and its problems. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { findConfig } from '../../src/find-config.ts';
import { InputError } from '../../src/model/errors.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'pgquake-config-')));
  vi.spyOn(process, 'cwd').mockReturnValue(folder);
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

let written = 0;

/** Each in its own folder, because Node caches imported modules. */
function write(text: string, name = 'pgquake.config.mjs'): string {
  written++;
  const file = join(folder, `team${written}`, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const MINIMAL = 'export default {};\n';

describe('is looked for', () => {
  const at = (path: string) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, MINIMAL);
    return file;
  };

  test('beside the scenario first, then above it, up to the current folder', () => {
    expect(findConfig('chaos/claims')).toBeUndefined();
    const top = at('pgquake.config.js');
    expect(findConfig('chaos/claims')).toBe(top);
    const beside = at('chaos/claims/pgquake.config.ts');
    expect(findConfig('chaos/claims')).toBe(beside);
    expect(findConfig('chaos')).toBe(top);
  });

  test('beside a scenario elsewhere, and then in the current folder, but not above either', () => {
    at('pgquake.config.ts');
    at('mine/here/.keep');
    at('theirs/scenarios/.keep');
    vi.mocked(process.cwd).mockReturnValue(join(folder, 'mine/here'));
    expect(findConfig('../../theirs/scenarios')).toBeUndefined();
    const own = at('mine/here/pgquake.config.ts');
    expect(findConfig('../../theirs/scenarios')).toBe(own);
    const beside = at('theirs/scenarios/pgquake.config.ts');
    expect(findConfig('../../theirs/scenarios')).toBe(beside);
  });
});

const REPORTER = "{ name: 'mine', summary: 'Mine.', render: () => ({}) }";

test('adds variants, and defaults for scenarios that set no value', async () => {
  const file = write(
    `export default { reporters: [${REPORTER}], reports: 'runs', platform: 'local', engine: 'native', seed: 7 };\n`,
  );
  const quake = await loadConfig(file);
  expect(quake.catalog.reporters.map(({ name }) => name)).toContain('mine');
  expect(quake.reports).toBe(join(dirname(file), 'runs'));
  const parse = (rest: string) => quake.parse(`name: a\nsummary: A.\nhypothesis: [{ check: healed }]\n${rest}`);
  expect(parse('')).toMatchObject({ seed: 7, cluster: { platform: 'local', engine: 'native' } });
  expect(parse('seed: 8\ncluster: { platform: docker, engine: citus }')).toMatchObject({
    seed: 8,
    cluster: { platform: 'docker', engine: 'citus' },
  });
});

test('may be TypeScript', async () => {
  const quake = await loadConfig(write('const seed: number = 9;\nexport default { seed };\n', 'pgquake.config.mts'));
  expect(quake.plan(quake.parse('name: a\nsummary: A.\nhypothesis: [{ check: healed }]\n')).seed).toBe(9);
});

/** Loads each in a plain Node process, because vitest has its own module loader. */
function messages(files: readonly string[]): string[] {
  const script = `
    import { loadConfig } from ${JSON.stringify(join(import.meta.dirname, '../../src/config.ts'))};
    const told = [];
    for (const file of ${JSON.stringify(files)}) {
      told.push(await loadConfig(file).then(() => 'loaded', (error) => error.code + ' ' + error.message));
    }
    console.log(JSON.stringify(told));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000,
  });
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(stderr);
  }
}

const REFUSED: readonly (readonly [text: string, message: string, name?: string])[] = [
  ['\nthrow new Error("no licence");\n', ':2: it cannot be loaded: no licence'],
  ['\n\nthrow "just text";\n', ':3: it cannot be loaded: just text'],
  ['\nthrow null;\n', ':2: it cannot be loaded: null'],
  ['const a = 1;\n\nprocess.exit(a - 1);\nexport default {};\n', ':3: it cannot be loaded: it would end the process'],
  [
    "Promise.reject(new Error('nobody waits'));\nawait new Promise((resolve) => setTimeout(resolve, 200));\nexport default {};\n",
    ':1: it cannot be loaded: nobody waits',
  ],
  [
    "\nsetTimeout(() => { throw new Error('a moment later'); }, 1);\nawait new Promise((resolve) => setTimeout(resolve, 200));\nexport default {};\n",
    ':2: it cannot be loaded: a moment later',
  ],
  [
    "export default {\n  get seed() {\n    throw new Error('no seed today');\n  },\n};\n",
    ':3: it cannot be read: no seed today',
  ],
  [
    '\nexport default Promise.resolve({ seed: 1 });\n',
    ':2: expected an object, such as export default defineConfig({ faults: [mine] }); found a promise, which "await" resolves',
  ],
  [
    "\nexport default new Map([['seed', 1]]);\n",
    ':2: expected an object, such as export default defineConfig({ faults: [mine] }); found a value of type object',
  ],
  [
    "export default {\n  seed: 1,\n  platform: 'dokcer',\n};\n",
    ':3: there is no platform "dokcer"; did you mean "docker"?',
  ],
  [
    'const a = 1;\n',
    ':1: expected a default export, such as export default defineConfig({ faults: [mine] }); found exports: nothing',
    'pgquake.config.ts',
  ],
  ['const a = 1;\nexport default {\n  faults: [\n;\n', ':4: it cannot be loaded: Unexpected token'],
  [
    "\n\nimport x from 'not-installed-here';\nexport default {};\n",
    ":3: it cannot be loaded: Cannot find package 'not-installed-here'",
  ],
  ["import { nope } from 'node:fs';\nexport default {};\n", ":1: it cannot be loaded: The requested module 'node:fs'"],
  [
    'export const faults = [];\n',
    ':1: expected a default export, such as export default defineConfig({ faults: [mine] }); found exports: faults',
  ],
  [
    '',
    ':1: expected a default export, such as export default defineConfig({ faults: [mine] }); found exports: nothing',
  ],
  [
    '\nexport default [];\n',
    ':2: expected an object, such as export default defineConfig({ faults: [mine] }); found a list',
  ],
  [
    '\nexport default () => ({});\n',
    ':2: expected an object, such as export default defineConfig({ faults: [mine] }); found a value of type function',
  ],
  ['export default {\n  seed: 1,\n  fualts: [],\n};\n', ':3: unknown key "fualts"; did you mean "faults"?'],
  ['export default {\n  seed: -1,\n};\n', ':2: seed: expected a whole number from 0 to 4294967295, found -1'],
  ['export default {\n  checks: {},\n};\n', ':2: checks: expected a list, found a value of type object'],
  ['export default {\n  reports: 7,\n};\n', ':2: reports: expected a folder, found 7'],
  ["export default { platform: 'dokcer' };\n", ':1: there is no platform "dokcer"; did you mean "docker"?'],
  [
    "export default { faults: [{ name: 'nap' }] };\n",
    ':1: faults[0]: the fault "nap" lacks summary, needs, inject(), prove(), undo()',
  ],
  [
    "export default { checks: [{ name: 'My check' }] };\n",
    ':1: checks[0]: name: expected a name in kebab-case such as my-own, found "My check"',
  ],
  [
    "export default { checks: [{ name: 'mine', summary: 'M.', params: {}, check() {} }] };\n",
    ':1: checks[0]: params of "mine": expected z.strictObject({ ... })',
  ],
  [
    `export default { reporters: [${REPORTER}, ${REPORTER}] };\n`,
    ':1: reporters[1]: the reporter "mine" has the name of another of yours',
  ],
  [
    "export default { reporters: [{ name: 'json', summary: 'J.', render() {} }] };\n",
    ':1: reporters[0]: the reporter "json" has the name of one that pgquake ships',
  ],
  ['\n\nconst seed: number = ;\nexport default { seed };\n', ':3: it cannot be loaded: ', 'pgquake.config.ts'],
  [
    'enum A {\n  x,\n}\nexport default {};\n',
    ':1: it cannot be loaded: TypeScript enum is not supported',
    'pgquake.config.mts',
  ],
  ["import './inner.mjs';\nexport default {};\n", ': it cannot be loaded: team', 'pgquake.config.js'],
];

test('is refused with file, line and what was expected', () => {
  const files = REFUSED.map(([text, , name]) => write(text, name));
  writeFileSync(join(dirname(files.at(-1) as string), 'inner.mjs'), '\n\nundefined.x;\n');
  const missing = join(folder, 'nowhere/pgquake.config.ts');
  const told = messages([...files, missing]);
  for (const [i, [text, message]] of REFUSED.entries()) {
    const file = relative(folder, files[i] as string);
    expect({ text, message: told[i]?.slice(0, 16 + file.length + message.length) }).toEqual({
      text,
      message: `config-unusable ${file}${message}`,
    });
  }
  expect(told.at(-2)).toMatch(/inner\.mjs:3: Cannot read properties of undefined/);
  expect(told.at(-1)).toBe('config-unusable nowhere/pgquake.config.ts: there is no such file');
});

test('a folder in its place is refused with what was expected', async () => {
  const here = dirname(write('export default {};\n'));
  const expected = (shown: string) => `${shown}: it is a folder; expected a file`;
  await expect(loadConfig(here)).rejects.toThrow(expected(relative(folder, here)));
  await expect(loadConfig('.')).rejects.toThrow(expected(folder));
});

test('a refusal is an InputError', async () => {
  await expect(loadConfig(write('export default 7;\n'))).rejects.toBeInstanceOf(InputError);
});

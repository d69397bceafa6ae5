/** The package and its first file: which Node.js may run it, and what is said where it cannot. */

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asTyped } from '../../src/cli/typed.ts';
import { commandOf, documentation } from '../../src/model/package-files.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Manifest {
  readonly bin: { readonly pgquake: string };
  readonly scripts: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

describe('the first file', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pgquake-package-'));
    for (const name of ['bin', 'dist/cli']) mkdirSync(join(folder, name), { recursive: true });
    for (const name of ['bin/pgquake.cjs', 'package.json']) copyFileSync(join(ROOT, name), join(folder, name));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** @param main the file that it leads to. @param version that Node.js gives itself out for. */
  function start(main: string, version = process.versions.node) {
    writeFileSync(join(folder, 'dist/cli/main.js'), main);
    const first = JSON.stringify(join(folder, manifest.bin.pgquake));
    const asVersion = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } }); require(${first});`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', asVersion], { encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  test.each(['10.0.0', '18.20.8', '20.20.2', '22.17.1'])(
    'refuses Node.js %s with exit code 4 before anything else',
    (version) => {
      expect(start('console.log("started")', version)).toEqual({
        status: 4,
        stdout: '',
        stderr: expect.stringMatching(
          /^error pgquake needs Node\.js 22\.18 or newer; this is .*\n hint .*newer Node\.js/,
        ),
      });
    },
  );

  test.each(['22.18.0', '23.0.0', '24.21.0'])('starts on Node.js %s', (version) => {
    expect(start('console.log("started")', version)).toEqual({ status: 0, stdout: 'started\n', stderr: '' });
  });

  test('refuses a current folder that was removed with exit code 4', () => {
    start('console.log("started")');
    const gone = join(folder, 'gone');
    const script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$1" "$2" list';
    const main = join(folder, manifest.bin.pgquake);
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script, gone, process.execPath, main], {
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({
      status: 4,
      stdout: '',
      stderr: 'error the current folder was removed\n hint change into a folder that exists, with "cd"\n',
    });
  });

  test('tells of a package that is missing with exit code 4, and of an error of its own with 5', () => {
    expect(start('import "not-installed";')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('not-installed'),
    });
    expect(start('throw new Error("wrong");')).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('bug in pgquake'),
    });
  });

  test.each([
    ['package.json', () => rmSync(join(folder, 'package.json'))],
    ['bin/built.cjs', () => mkdirSync(join(folder, 'src'))],
  ])('tells that %s is missing with exit code 4, since 1 means "refuted"', (name, spoil) => {
    spoil();
    const { status, stderr } = start('console.log("started")');
    expect({ status, stderr }).toEqual({
      status: 4,
      stderr: expect.stringMatching(/^error pgquake is not installed as a whole: .*\n hint .*"npm ci"\n$/),
    });
    expect(stderr).toContain(basename(name));
  });

  test('ends with exit code 4 where Node.js may read no files', () => {
    writeFileSync(join(folder, 'dist/cli/main.js'), '');
    const file = join(folder, manifest.bin.pgquake);
    const { status, stderr } = spawnSync(process.execPath, ['--permission', file], { encoding: 'utf8' });
    expect(stderr).toMatch(/^error Node\.js may not read.*\n hint run pgquake without --permission\n/);
    expect(status).toBe(4);
  });

  test.each(['EMFILE', 'ENFILE', 'EACCES'])('an import that fails with %s is no bug in pgquake', (code) => {
    expect(start(`throw Object.assign(new Error("${code}: no"), { code: "${code}", syscall: "open" });`)).toMatchObject(
      {
        status: 4,
        stderr: expect.stringMatching(new RegExp(`^error ${code}: no\n hint `)),
      },
    );
  });

  test('runs the build of a checkout while it is of this very source, and else the source', () => {
    for (const name of ['src/cli', 'tools']) mkdirSync(join(folder, name), { recursive: true });
    copyFileSync(join(ROOT, 'bin/built.cjs'), join(folder, 'bin/built.cjs'));
    for (const name of ['tools/build.ts', 'tsconfig.json', 'package-lock.json']) writeFileSync(join(folder, name), '');
    const source = join(folder, 'src/cli/main.ts');
    writeFileSync(source, 'console.log("source" as string)');
    const runs = () => start('console.log("build")').stdout;
    expect(runs()).toBe('source\n');
    const { sourceState, STATE_FILE } = createRequire(import.meta.url)('../../bin/built.cjs');
    const built = () => writeFileSync(join(folder, 'dist', STATE_FILE), sourceState(folder));
    built();
    expect(runs()).toBe('build\n');
    writeFileSync(source, 'console.log("Source" as string)');
    expect(runs()).toBe('Source\n');
    built();
    expect(runs()).toBe('build\n');
    expect(start('console.log("build")', '22.18.0').stdout).toBe('build\n');
    writeFileSync(join(folder, 'src/new.ts'), '');
    expect(runs()).toBe('Source\n');
    expect(start('console.log("build")', '23.11.0')).toEqual({
      status: 4,
      stdout: '',
      stderr: expect.stringMatching(
        /^error .* source needs Node\.js 24 or newer; this is 23\.11\.0 .*\n hint run "npm ci"/,
      ),
    });
    rmSync(join(folder, 'src/new.ts'));
    expect(runs()).toBe('build\n');
  });

  test('is what a checkout runs, too', () => {
    expect(manifest.scripts.chaos).toBe(`node ${manifest.bin.pgquake}`);
    const help = execFileSync(process.execPath, [join(ROOT, manifest.bin.pgquake), '--help'], { encoding: 'utf8' });
    expect(help).toContain('pgquake [scenario..]');
  });
});

test('the command line refuses an old Node.js with exit code 4 if it is started without the first file', () => {
  const main = JSON.stringify(pathToFileURL(join(ROOT, 'src/cli/main.ts')).href);
  const asOld = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });
    await import(${main});`;
  const start = ['--input-type=module', '-e', asOld, '--', 'list'];
  const { status, stdout, stderr } = spawnSync(process.execPath, start, { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({
    status: 4,
    stdout: '',
    stderr: expect.stringMatching(
      /^error pgquake needs Node\.js 22\.18 or newer; this is 20\.20\.2 .*\n hint start it with "/,
    ),
  });
  expect(readFileSync(join(ROOT, 'src/cli/main.ts'), 'utf8')).not.toMatch(/^#!/);
});

test('no package is made without a build', () => {
  expect(manifest.scripts.prepack).toBe('npm run build');
});

test('messages name commands that exist where pgquake is', () => {
  expect(commandOf('/home/me/project/node_modules/pgquake/', false, '/home/me/project')).toBe('npx pgquake');
  expect(commandOf('/home/me/project/node_modules/pgquake/', false, '/home/me/project/chaos')).toBe('npx pgquake');
  expect(commandOf('/usr/lib/node_modules/pgquake/', false, '/home/me/project')).toBe('pgquake');
  expect(commandOf('/home/me/pgquake/', true, '/home/me/pgquake')).toBe('npm run chaos --');
  expect(asTyped('"pgquake up" starts it; pgquake, process 7')).toBe(
    '"npm run chaos -- up" starts it; pgquake, process 7',
  );
  expect(readFileSync(documentation('scenario.md'), 'utf8')).toMatch(/^# /);
});

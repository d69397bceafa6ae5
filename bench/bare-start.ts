/**
 * What `start` cannot be better than with the packages that pgquake is built on: a bundle that reads arguments with yargs,
 * and a scenario with yaml, and has zod loaded. It makes no schema and validates nothing. A second one loads pgquake's catalog
 * besides, which makes the schemas of all faults, checks and workloads, and uses each once, on an empty mapping.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = join(import.meta.dirname, '..');
const PACKAGES = (more: string) => `
  import { readFileSync } from 'node:fs';
  import yargs from 'yargs';
  import { parseDocument } from 'yaml';
  import { z } from 'zod';

  const handler = ({ file }) => {
    const { name } = parseDocument(readFileSync(file, 'utf8')).toJS();
    console.log(name, typeof z.object);
    ${more}
  };
  const builder = (cli) => cli.positional('file', { type: 'string', demandOption: true });
  await yargs(process.argv.slice(2)).command({ command: 'read <file>', builder, handler }).strict().parseAsync();`;

const CATALOG = `import { pgquake } from '${pathToFileURL(join(ROOT, 'dist/index.js'))}';`;
const USE_SCHEMAS = `
    const { faults, checks, workloads } = pgquake().catalog;
    for (const { params } of [...faults, ...checks, ...workloads]) params.safeParse({}, { jitless: true });`;

/** @returns the paths of both programs, which take `read <file>`. */
export async function barePrograms(folder: string): Promise<{ readonly packages: string; readonly schemas: string }> {
  const programs = { packages: PACKAGES(''), schemas: `${CATALOG}${PACKAGES(USE_SCHEMAS)}` };
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(folder, `${name}.mjs`), text);
  const bundle = await rolldown({
    cwd: ROOT,
    platform: 'node',
    external: /dist\/index\.js$/,
    input: Object.fromEntries(Object.keys(programs).map((name) => [`bare-${name}`, join(folder, `${name}.mjs`)])),
    resolve: {
      modules: [join(ROOT, 'node_modules')],
      // As in pgquake's own bundle: the package's makes a segmenter at its start.
      alias: { 'string-width': join(ROOT, 'src/reporters/text-width.ts') },
    },
  });
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs' });
  await bundle.close();
  return { packages: join(folder, 'bare-packages.mjs'), schemas: join(folder, 'bare-schemas.mjs') };
}

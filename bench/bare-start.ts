/**
 * What `start` cannot be better than with the packages that pgquake is built on: a bundle that reads arguments with yargs,
 * and a scenario with yaml, and has zod loaded. It makes no schema and validates nothing.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = join(import.meta.dirname, '..');
const PROGRAM = `
  import { readFileSync } from 'node:fs';
  import yargs from 'yargs';
  import { parseDocument } from 'yaml';
  import { z } from 'zod';

  const handler = ({ file }) => {
    const { name } = parseDocument(readFileSync(file, 'utf8')).toJS();
    console.log(name, typeof z.object);
  };
  const builder = (cli) => cli.positional('file', { type: 'string', demandOption: true });
  await yargs(process.argv.slice(2)).command({ command: 'read <file>', builder, handler }).strict().parseAsync();`;

/** @returns the path of the program, which takes `read <file>`. */
export async function bareProgram(folder: string): Promise<string> {
  const entry = join(folder, 'entry.mjs');
  writeFileSync(entry, PROGRAM);
  const bundle = await rolldown({
    cwd: ROOT,
    platform: 'node',
    input: { bare: entry },
    resolve: {
      modules: [join(ROOT, 'node_modules')],
      // As in pgquake's own bundle: the package's makes a segmenter at its start.
      alias: { 'string-width': join(ROOT, 'src/reporters/text-width.ts') },
    },
  });
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs' });
  await bundle.close();
  return join(folder, 'bare.mjs');
}

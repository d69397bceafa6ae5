/** `pgquake schema`: the JSON Schema of scenarios and reports, for editors and other tools. */

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { CommandModule } from 'yargs';
import { reportJsonSchema } from '../../model/report-schema.ts';
import { scenarioJsonSchema } from '../../scenario/schema.ts';
import { quake } from '../vocabulary.ts';

interface SchemaArguments {
  of: 'scenario' | 'report';
  write: boolean;
}

const SCHEMAS = {
  scenario: () => scenarioJsonSchema(quake.catalog),
  report: () => reportJsonSchema(),
} as const;

export const schema: CommandModule<object, SchemaArguments> = {
  command: 'schema [of]',
  describe: 'print the JSON Schema of scenarios or reports',
  builder: (yargs) =>
    yargs
      .positional('of', { choices: ['scenario', 'report'] as const, default: 'scenario' as const })
      .option('write', { type: 'boolean', default: false, describe: 'write both into schema/ of this checkout' }),
  handler: async ({ of, write }) => {
    if (!write) {
      console.log(JSON.stringify(SCHEMAS[of](), null, 2));
      return;
    }
    for (const [name, make] of Object.entries(SCHEMAS)) {
      const path = fileURLToPath(new URL(`../../../schema/${name}.schema.json`, import.meta.url));
      await writeFile(path, `${JSON.stringify(make(), null, 2)}\n`);
    }
  },
};

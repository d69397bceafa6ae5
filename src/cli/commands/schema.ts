/** `pgquake schema`: prints the JSON Schema of scenarios, reports or inventories, for editors and other tools. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalog } from '../../catalog.ts';
import { packageFolder } from '../../model/package-files.ts';
import { reportJsonSchema } from '../../model/report-schema.ts';
import { pgquake } from '../../pgquake.ts';
import { inventoryJsonSchema } from '../../scenario/inventory.ts';
import { scenarioJsonSchema } from '../../scenario/schema.ts';
import type { Command } from '../command.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments } from '../options.ts';
import { printJson } from '../print-json.ts';

interface SchemaArguments extends ConfigArguments {
  of: 'scenario' | 'report' | 'inventory';
  write: boolean;
}

const SCHEMAS = {
  scenario: (catalog: Catalog) => scenarioJsonSchema(catalog),
  report: () => reportJsonSchema(),
  inventory: () => inventoryJsonSchema(),
} as const;

export const schema: Command<SchemaArguments> = {
  builder: (yargs) =>
    yargs
      .positional('of', {
        choices: ['scenario', 'report', 'inventory'] as const,
        default: 'scenario' as const,
        describe: 'what the schema describes',
      })
      .options(CONFIG_OPTION)
      .option('write', { type: 'boolean', default: false, describe: 'write all three into schema/ of this checkout' })
      .example('$0 schema inventory', 'an inventory, for your editor'),
  handler: async ({ of, write, config }) => {
    if (!write) {
      printJson(SCHEMAS[of]((await openQuake({ config })).catalog));
      return;
    }
    for (const [name, make] of Object.entries(SCHEMAS)) {
      const path = join(packageFolder(), `schema/${name}.schema.json`);
      await writeFile(path, `${JSON.stringify(make(pgquake().catalog), null, 2)}\n`);
    }
  },
};

/** `pgquake report <run>`: renders the reports of a stored run again; `--index` rebuilds the index. Needs no cluster. */

import { join, relative } from 'node:path';
import { InputError } from '../../model/errors.ts';
import { formatCount } from '../../model/units.ts';
import type { Command } from '../command.ts';
import { openQuake, reportsFolder } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments, REPORTS_OPTION } from '../options.ts';

interface ReportArguments extends ConfigArguments {
  run: string | undefined;
  index: boolean;
  reports: string | undefined;
}

export const reportCommand: Command<ReportArguments> = {
  builder: (yargs) =>
    yargs
      .positional('run', { type: 'string', describe: 'a run folder' })
      .option('index', { type: 'boolean', default: false, describe: 'rebuild index.html, the index of all runs' })
      .options(REPORTS_OPTION)
      .options(CONFIG_OPTION)
      .example('$0 report reports/latest', 'after an update of pgquake')
      .example('$0 report --index', 'after you removed or added runs'),
  handler: async ({ run, index, ...args }) => {
    if (run === undefined && !index) {
      throw new InputError('no run named', {
        code: 'usage',
        hint: 'name a run folder, such as reports/latest, or pass --index',
      });
    }
    const quake = await openQuake(args);
    if (run !== undefined) {
      for (const file of await quake.report(run)) console.log(join(relative('.', run), file));
    }
    if (index) {
      const reports = reportsFolder(quake, args.reports);
      const runs = await quake.index(reports);
      const without = runs.filter(({ report }) => report === undefined).length;
      const odd = without === 0 ? '' : `, ${without} of them without a readable report`;
      console.log(`${join(reports, 'index.html')}: ${formatCount(runs.length, 'run')}${odd}`);
    }
  },
};

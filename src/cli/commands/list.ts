/** `pgquake list`: lists the scenarios that can be run by name. */

import pc from 'picocolors';
import { SCENARIO_FOLDERS } from '../../scenario/find.ts';
import { knownHeads, listKnown } from '../../scenario/known.ts';
import type { Command } from '../command.ts';
import { configFile, openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments, FORMAT_OPTION, type FormatArguments, TAG_OPTION } from '../options.ts';
import { printJson } from '../print-json.ts';
import { tagged } from '../tagged.ts';

interface ListArguments extends ConfigArguments, FormatArguments {
  tag?: string[] | undefined;
}

export const list: Command<ListArguments> = {
  builder: (yargs) =>
    yargs
      .options(TAG_OPTION)
      .options(CONFIG_OPTION)
      .options(FORMAT_OPTION)
      .example('$0 list --tag failover', 'list failover scenarios')
      .example('$0 list --output json', 'list as JSON'),
  handler: async (args) => {
    const known = configFile(args) === undefined && (await listKnown(SCENARIO_FOLDERS, await knownHeads()));
    const scenarios = tagged(known || (await (await openQuake(args)).list()), args.tag ?? []);
    if (args.output === 'json') return printJson(scenarios);
    const width = Math.max(...scenarios.map((scenario) => scenario.name.length));
    for (const { name, summary, tags = [] } of scenarios) {
      const marks = tags.map((tag) => pc.dim(`  #${tag}`)).join('');
      console.log(`${pc.bold(name.padEnd(width))}  ${summary}${marks}`);
    }
  },
};

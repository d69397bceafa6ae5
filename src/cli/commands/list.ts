/** `pgquake list`: the scenarios that can be run by name. */

import pc from 'picocolors';
import { SCENARIO_FOLDERS } from '../../scenario/find.ts';
import { knownSummaries, listKnown } from '../../scenario/known.ts';
import type { Command } from '../command.ts';
import { configFile, openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments, FORMAT_OPTION, type FormatArguments } from '../options.ts';
import { printJson } from '../output.ts';

export const list: Command<ConfigArguments & FormatArguments> = {
  builder: (yargs) =>
    yargs.options(CONFIG_OPTION).options(FORMAT_OPTION).example('$0 list --output json', 'for a program'),
  handler: async (args) => {
    const known = configFile(args) === undefined && (await listKnown(SCENARIO_FOLDERS, await knownSummaries()));
    const scenarios = known || (await (await openQuake(args)).list());
    if (args.output === 'json') return printJson(scenarios);
    const width = Math.max(...scenarios.map((scenario) => scenario.name.length));
    for (const { name, summary } of scenarios) console.log(`${pc.bold(name.padEnd(width))}  ${summary}`);
  },
};

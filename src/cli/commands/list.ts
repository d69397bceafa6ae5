/** `pgquake list`: the scenarios that can be run by name. */

import pc from 'picocolors';
import type { Command } from '../command.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments } from '../options.ts';

export const list: Command<ConfigArguments> = {
  builder: (yargs) => yargs.options(CONFIG_OPTION),
  handler: async (args) => {
    const quake = await openQuake(args);
    const scenarios = await quake.list();
    const width = Math.max(...scenarios.map((scenario) => scenario.name.length));
    for (const { name, summary } of scenarios) console.log(`${pc.bold(name.padEnd(width))}  ${summary}`);
  },
};

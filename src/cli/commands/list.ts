/** `pgquake list`: the scenarios that can be run by name. */

import pc from 'picocolors';
import type { CommandModule } from 'yargs';
import { quake } from '../vocabulary.ts';

export const list: CommandModule = {
  command: 'list',
  describe: 'list the scenarios that can be run by name',
  handler: async () => {
    const scenarios = await quake.list();
    const width = Math.max(...scenarios.map((scenario) => scenario.name.length));
    for (const { name, summary } of scenarios) console.log(`${pc.bold(name.padEnd(width))}  ${summary}`);
  },
};

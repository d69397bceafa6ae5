/** `pgquake list`: the scenarios that can be run by name. */

import pc from 'picocolors';
import type { CommandModule } from 'yargs';
import { listScenarios } from '../../scenario/load.ts';
import { SCENARIO_FOLDERS, vocabulary } from '../vocabulary.ts';

export const list: CommandModule = {
  command: 'list',
  describe: 'list the scenarios that can be run by name',
  handler: async () => {
    const scenarios = await listScenarios({ vocabulary, folders: SCENARIO_FOLDERS });
    const width = Math.max(...scenarios.map((scenario) => scenario.name.length));
    for (const { name, summary } of scenarios) console.log(`${pc.bold(name.padEnd(width))}  ${summary}`);
  },
};

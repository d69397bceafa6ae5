/** `pgquake restart`: stops and starts all nodes of the cluster from `up`, with their data. */

import pc from 'picocolors';
import { plainText } from '../../reporters/escape.ts';
import type { Command } from '../command.ts';
import { commandFor, PROJECT_OPTION, type ProjectArguments, standingClusters, untilInterrupted } from '../standing.ts';

export const restart: Command<ProjectArguments> = {
  builder: (yargs) => yargs.options(PROJECT_OPTION).example('$0 restart', 'restart all nodes'),
  handler: async ({ project }) => {
    await untilInterrupted(async (signal) => {
      const nodes = await standingClusters().restart({ project, signal });
      console.log(
        `${pc.green('restarted')}  ${plainText(nodes.all.map(({ name }) => name).join(', '))}: all accept SQL`,
      );
      console.log(pc.dim(`next: ${commandFor('status', project)}`));
    });
  },
};

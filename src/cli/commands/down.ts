/** `pgquake down`: stops and removes the cluster from `up`; keeps its data unless told otherwise. */

import pc from 'picocolors';
import { plainText } from '../../reporters/escape.ts';
import type { Command } from '../command.ts';
import { FOLDER_OPTIONS, type FolderArguments, standingClusters, untilInterrupted } from '../standing.ts';
import { asTyped } from '../typed.ts';

interface DownArguments extends FolderArguments {
  volumes: boolean;
}

export const down: Command<DownArguments> = {
  builder: (yargs) =>
    yargs
      .options(FOLDER_OPTIONS)
      .option('volumes', { type: 'boolean', default: false, describe: 'remove its data too' })
      .example('$0 down', 'remove the cluster and keep its data'),
  handler: async ({ project, folder, volumes }) => {
    await untilInterrupted(async (signal) => {
      const removed = await standingClusters().down({ project, folder, volumes, signal });
      for (const thing of removed) console.log(`removed ${plainText(thing)}`);
      const left = volumes || removed.length === 0 ? '' : asTyped('; its data is kept, and "pgquake up" uses it again');
      console.log(
        removed.length === 0
          ? `nothing to remove: there is no cluster ${plainText(project)}`
          : `${pc.green('down')}${left}`,
      );
    });
  },
};

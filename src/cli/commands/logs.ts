/** `pgquake logs`: prints the server logs of the cluster from `up`. */

import pc from 'picocolors';
import { InputError } from '../../model/errors.ts';
import { plainText } from '../../reporters/escape.ts';
import type { Command } from '../command.ts';
import { PROJECT_OPTION, type ProjectArguments, standingClusters, untilInterrupted } from '../standing.ts';

interface LogsArguments extends ProjectArguments {
  node: string | undefined;
  follow: boolean;
  lines: number;
}

export const logs: Command<LogsArguments> = {
  builder: (yargs) =>
    yargs
      .positional('node', { type: 'string', describe: 'coordinator, worker1, worker2 ... [default: all]' })
      .options(PROJECT_OPTION)
      .option('follow', { type: 'boolean', default: false, alias: 'f', describe: 'keep printing until Ctrl-C' })
      .option('lines', {
        type: 'number',
        requiresArg: true,
        default: 100,
        alias: 'n',
        describe: 'how many earlier lines to print of each node',
      })
      .example('$0 logs worker1 --follow', 'the log of worker1, as it grows'),
  handler: async ({ project, node, follow, lines }) => {
    if (!Number.isInteger(lines) || lines < 0) {
      throw new InputError(`--lines: expected a whole number, 0 or more, found ${lines}`, { code: 'usage' });
    }
    await untilInterrupted(async (signal) => {
      const onLine = (name: string, line: string) =>
        console.log(node === undefined ? `${pc.cyan(name.padEnd(11))} ${plainText(line)}` : plainText(line));
      await standingClusters().logs({
        project,
        ...(node === undefined ? {} : { node }),
        follow,
        lines,
        signal,
        onLine,
      });
    });
  },
};

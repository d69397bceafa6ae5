/** `pgquake connect`: runs psql on the coordinator of the cluster from `up`. */

import { EnvironmentError } from '../../model/errors.ts';
import { entryNode } from '../../model/topology.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { endWith } from '../own-exit.ts';
import { PROJECT_OPTION, type ProjectArguments, standingClusters, standingTopology } from '../standing.ts';

interface ConnectArguments extends ProjectArguments {
  '--'?: string[];
}

export const connect: Command<ConnectArguments> = {
  builder: (yargs) =>
    yargs
      .options(PROJECT_OPTION)
      .example('$0 connect', 'an interactive session')
      .example('$0 connect -- --command "SELECT count(*) FROM messages"', 'one statement'),
  handler: async ({ project, '--': args = [] }) => {
    const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
    const {
      program,
      args: all,
      environment,
    } = await standingClusters().shell(project, {
      node: entryNode(standingTopology()) as string,
      args,
      terminal,
    });
    // psql gets Ctrl-C as a key from the terminal, not as a signal: it cancels the statement and continues.
    const { execa } = await import('execa');
    const ended = await execa(program, all, { stdio: 'inherit', env: environment, reject: false });
    if (ended.code === 'ENOENT') {
      throw new EnvironmentError(`cannot run ${program}: ${ended.shortMessage}`, {
        code: 'client-missing',
        hint: 'install the command docker',
        cause: ended,
      });
    }
    endWith(ended.exitCode ?? EXIT.environment);
  },
};

/** All commands. Each is loaded when it is called: help and error messages for typos need none of them. */

import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import type { Command } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { type RunArguments, runOptions } from './options.ts';

/** @param load imports the command; called when the command runs. */
function lazily<Arguments>(command: string, describe: string, load: () => Promise<Command<Arguments>>): CommandModule {
  return {
    command,
    describe,
    builder: async (yargs) => (await load()).builder(yargs) as Argv<object>,
    // The arguments are those that the builder has parsed.
    handler: async (args) => (await load()).handler(args as ArgumentsCamelCase<Arguments>),
  };
}

const NAMED = [
  lazily('list', 'list the scenarios that can be run by name', async () => (await import('./commands/list.ts')).list),
  lazily(
    'validate <scenario..>',
    'check scenarios without running them; report errors with their places',
    async () => (await import('./commands/validate.ts')).validate,
  ),
  lazily(
    'plan <scenario>',
    'show what a run would do, and what is predicted to survive',
    async () => (await import('./commands/plan.ts')).plan,
  ),
  lazily(
    'tolerance',
    'map which workers can be down together, and which shards that cuts off',
    async () => (await import('./commands/tolerance.ts')).toleranceCommand,
  ),
  lazily(
    'replay <run>',
    'run the exact schedule of an earlier run again',
    async () => (await import('./commands/replay.ts')).replay,
  ),
  lazily(
    'judge <run>',
    'judge a stored run again and rewrite its reports',
    async () => (await import('./commands/judge.ts')).judgeCommand,
  ),
  lazily(
    'report [run]',
    'render the reports of a stored run again, with its verdict unchanged; or the index of all runs',
    async () => (await import('./commands/report.ts')).reportCommand,
  ),
  lazily(
    'compare <run..>',
    'show what changed between earlier stored runs and the last one named',
    async () => (await import('./commands/compare.ts')).compare,
  ),
  lazily(
    'export <run>',
    "write a stored run's history as EDN, for Jepsen's Elle",
    async () => (await import('./commands/export.ts')).exportCommand,
  ),
  lazily(
    'doctor',
    'report which platforms and faults work on this machine, and why others do not',
    async () => (await import('./commands/doctor.ts')).doctor,
  ),
  lazily(
    'heal [run..]',
    'undo what killed runs left behind: remove their clusters, or heal attached ones',
    async () => (await import('./commands/heal.ts')).heal,
  ),
  lazily(
    'up',
    'start a cluster in Docker and leave it running: a coordinator and 4 workers, with data',
    async () => (await import('./commands/up.ts')).up,
  ),
  lazily(
    'status',
    `report nodes, partitions and rows of the cluster from "up"; exit code ${EXIT.pass} healthy, ${EXIT.fail} not healthy, ${EXIT.environment} no cluster`,
    async () => (await import('./commands/status.ts')).status,
  ),
  lazily(
    'connect',
    'open psql on the coordinator of the cluster from "up"; arguments after -- go to psql',
    async () => (await import('./commands/connect.ts')).connect,
  ),
  lazily(
    'logs [node]',
    'print the server logs of the cluster from "up": of all nodes, or of one',
    async () => (await import('./commands/logs.ts')).logs,
  ),
  lazily(
    'restart',
    'stop and start all nodes of the cluster from "up"',
    async () => (await import('./commands/restart.ts')).restart,
  ),
  lazily(
    'down',
    'stop and remove the cluster from "up"; its data is kept unless you pass --volumes',
    async () => (await import('./commands/down.ts')).down,
  ),
  lazily(
    'init [folder]',
    'write an inventory of an existing cluster, and a first scenario for it',
    async () => (await import('./commands/init.ts')).init,
  ),
  lazily(
    'attach <what> <inventory>',
    'check an inventory: what the cluster is, what can be broken, which scenarios fit; writes nothing',
    async () => (await import('./commands/attach.ts')).attach,
  ),
  lazily(
    'watch <inventory>',
    'read and write on an existing cluster during maintenance; report outages; no faults',
    async () => (await import('./commands/watch.ts')).watch,
  ),
  lazily(
    'config [scenario]',
    'show each setting of a run, and where it comes from',
    async () => (await import('./commands/show-config.ts')).configCommand,
  ),
  lazily(
    'completion <shell>',
    'print the completion script for bash, zsh or fish: commands, options, scenario names',
    async () => (await import('./commands/completion.ts')).completion,
  ),
  lazily(
    'schema [of]',
    'print the JSON Schema of scenarios (with the variants of your config), reports or inventories',
    async () => (await import('./commands/schema.ts')).schema,
  ),
];

/** The default command. Help shows its options, so they are known without loading it. */
const RUN = lazily(
  '$0 [scenario..]',
  'run scenarios: names in scenarios/, patterns such as "patroni/*", or paths',
  async () => ({
    builder: runOptions,
    handler: async (args: RunArguments) => (await import('./commands/run.ts')).run(args),
  }),
);

export const COMMANDS: readonly CommandModule[] = [RUN, ...NAMED];

/** The names of the commands, as the user types them. */
export const COMMAND_NAMES: readonly string[] = NAMED.map(({ command }) => String(command).split(' ')[0] as string);

/** @returns the command of that name as yargs has it: `plan <scenario>`; without a name, the default command. */
export function commandLineOf(name: string | undefined): string {
  const index = name === undefined ? -1 : COMMAND_NAMES.indexOf(name);
  return String(COMMANDS[index + 1]?.command);
}

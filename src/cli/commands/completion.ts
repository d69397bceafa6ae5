/** `pgquake completion <shell>`: prints the script that completes commands, options and scenario names. */

import type { Command } from '../command.ts';
import { COMMANDS } from '../commands.ts';
import { knownOptions, positionalsOf } from '../known-options.ts';
import { COMPLETION_SCRIPTS, candidates, SHELLS } from '../offered-words.ts';
import { openQuake } from '../open.ts';
import { UsageError } from '../usage.ts';

interface CompletionArguments {
  shell: string;
  '--'?: string[];
}

export const completion: Command<CompletionArguments> = {
  builder: (yargs) =>
    yargs
      .positional('shell', {
        type: 'string',
        demandOption: true,
        describe: `your shell: ${SHELLS.join(', ')}`,
      })
      .example('source <($0 completion bash)', 'in ~/.bashrc; the same with zsh in ~/.zshrc')
      .example('$0 completion fish | source', 'in ~/.config/fish/config.fish'),
  handler: async ({ shell, '--': words = [] }) => {
    // Only the scripts call it.
    if (shell === 'words') {
      for (const word of await candidates(words, sources)) console.log(word);
      return;
    }
    const known = SHELLS.find((name) => name === shell);
    if (known === undefined)
      throw new UsageError(`<shell>: expected one of ${SHELLS.join(', ')}, found ${shell}`, 'completion');
    process.stdout.write(COMPLETION_SCRIPTS[known]);
  },
};

const byName = new Map(COMMANDS.map((command) => [String(command.command).split(' ')[0], command]));
const commandNamed = (name: string | undefined) => byName.get(name ?? '$0');

const sources = {
  commands: [...byName.keys()].filter((name): name is string => name !== undefined && name !== '$0'),
  takesScenarios: (name: string | undefined) =>
    positionalsOf(String(commandNamed(name)?.command ?? '')).includes('scenario'),
  optionsOf: async (name: string | undefined) => {
    const command = commandNamed(name);
    return command === undefined ? [] : (await knownOptions(command)).map((option) => option.name);
  },
  scenarios: async () => (await (await openQuake({ config: undefined })).list()).map((scenario) => scenario.name),
};

/** The options of each command, as its help lists them. */

import { COMMANDS } from '../../src/cli/commands.ts';
import { type KnownOption, knownOptions } from '../../src/cli/known-options.ts';
import { table } from './table.ts';

interface Documented {
  readonly command: string;
  readonly describe: string;
  readonly options: readonly KnownOption[];
}

const documented = new Map<string, Documented>();
for (const command of COMMANDS) {
  const written = String(command.command);
  documented.set(written.split(' ')[0] as string, {
    command: written.replace('$0', '').trim(),
    describe: String(command.describe),
    options: await knownOptions(command),
  });
}

/** @param name the name of a command. */
export function optionTable(name: string): string {
  const found = documented.get(name);
  if (!found) throw new Error(`there is no command "${name}"`);
  return table(['option', 'meaning', 'default'], found.options.map(rowOf));
}

/** @returns a section for each command. */
export function commandSections(): string {
  return [...documented]
    .map(([name, { command, describe, options }]) => {
      const heading = `## ${name === '$0' ? 'Run scenarios' : name}\n\n    pgquake ${command}\n\n${sentence(describe)}`;
      return options.length === 0 ? heading : `${heading}\n\n${optionTable(name)}`;
    })
    .join('\n\n');
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** A default that only a run knows is in the description. */
function rowOf({ name, describe, choices, default: known }: KnownOption): string[] {
  const [, words = describe, told] = /^(.*?) ?\[default: (.*)\]$/.exec(describe) ?? [];
  const value = told ?? known;
  const chosen = choices.map((choice) => `\`${choice}\``).join(', ');
  const meaning = [words, chosen].filter((part) => part !== '').join(': ');
  return [`\`--${name}\``, meaning, value === undefined || value === false ? '' : `\`${String(value)}\``];
}

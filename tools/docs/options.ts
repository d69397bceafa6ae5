/** The options of each command, as its help lists them. */

import yargs from 'yargs';
import { COMMANDS } from '../../src/cli/commands.ts';
import { table } from './table.ts';

/** What yargs knows of a command's options and does not type. */
interface Parser {
  getOptions(): { readonly default: Record<string, unknown>; readonly choices: Record<string, readonly string[]> };
  getInternalMethods(): { getUsageInstance(): { getDescriptions(): Record<string, string | undefined> } };
}

type Build = (parser: unknown) => Promise<unknown>;

const OF_ALL = new Set(['help', 'version']);

const rows = new Map<string, { readonly command: string; readonly describe: string; readonly rows: string[][] }>();
for (const { command, describe, builder } of COMMANDS) {
  const parser = yargs([]);
  await (builder as Build)(parser);
  const word = String(command).split(' ')[0] as string;
  const positional = [...String(command).matchAll(/[[<]([\w-]+)/g)].map(([, name]) => name as string);
  rows.set(word, {
    command: String(command).replace('$0', '').trim(),
    describe: String(describe),
    rows: rowsOf(parser as unknown as Parser, positional),
  });
}

/** @param name of a command; `run` is the one that is meant where none is named. */
export function optionTable(name: string): string {
  const found = rows.get(name === 'run' ? '$0' : name);
  if (!found) throw new Error(`there is no command "${name}"`);
  return table(['option', 'meaning', 'default'], found.rows);
}

/** A section for each command. */
export function commandSections(): string {
  return [...rows]
    .map(([word, { command, describe, rows: options }]) => {
      const heading = `## ${word === '$0' ? 'Run scenarios' : word}\n\n    pgquake ${command}\n\n${sentence(describe)}`;
      return options.length === 0 ? heading : `${heading}\n\n${table(['option', 'meaning', 'default'], options)}`;
    })
    .join('\n\n');
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function rowsOf(parser: Parser, positional: readonly string[]): string[][] {
  const { default: defaults, choices } = parser.getOptions();
  const descriptions = parser.getInternalMethods().getUsageInstance().getDescriptions();
  return Object.entries(descriptions)
    .filter(([name]) => !OF_ALL.has(name) && !positional.includes(name))
    .map(([name, description = '']) => {
      const words = description.replace('__yargsString__:', '');
      const given = /^(.*?) ?\[default: (.*)\]$/.exec(words);
      const value = given?.[2] ?? defaults[name];
      const chosen = choices[name]?.map((choice) => `\`${choice}\``).join(', ') ?? '';
      const meaning = [given?.[1] ?? words, chosen].filter((part) => part !== '').join(': ');
      return [`\`--${name}\``, meaning, value === undefined || value === false ? '' : `\`${String(value)}\``];
    });
}

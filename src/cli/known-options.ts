/** The options of a command, read from yargs after the command's builder has run. */

import yargs, { type Argv, type CommandModule } from 'yargs';
import { longName } from './refused-words.ts';

export interface KnownOption {
  readonly name: string;
  readonly describe: string;
  readonly choices: readonly string[];
  readonly default: unknown;
}

/** What a command accepts, by long names. */
export interface OptionKinds {
  readonly positional: readonly string[];
  readonly boolean: ReadonlySet<string>;
  /** Options that take a value. */
  readonly valued: ReadonlySet<string>;
}

/** Members of yargs that its types leave out. */
interface Built {
  getOptions(): {
    readonly key: Readonly<Record<string, unknown>>;
    readonly boolean: readonly string[];
    readonly default: Record<string, unknown>;
    readonly choices: Record<string, readonly string[]>;
  };
  getInternalMethods(): { getUsageInstance(): { getDescriptions(): Record<string, string | undefined> } };
}

const OF_ALL = new Set(['help', 'version']);
/** yargs puts this in front of a description that it would translate. */
const TRANSLATED = '__yargsString__:';

/** Without its positional arguments, and without --help and --version. */
export async function knownOptions({ command, builder }: CommandModule): Promise<KnownOption[]> {
  const parser = yargs([]);
  await (builder as (parser: unknown) => Promise<unknown>)(parser);
  const built = parser as unknown as Built;
  const positional = positionalsOf(String(command));
  const { default: defaults, choices } = built.getOptions();
  return Object.entries(built.getInternalMethods().getUsageInstance().getDescriptions())
    .filter(([name]) => !OF_ALL.has(name) && !positional.includes(name))
    .map(([name, describe = '']) => ({
      name,
      describe: describe.replace(TRANSLATED, ''),
      choices: choices[name] ?? [],
      default: defaults[name],
    }));
}

/** @param command as yargs has it. @param parser after the command's builder has run. */
export function kindsOf(command: string, parser: Argv): OptionKinds {
  const positional = positionalsOf(command);
  const options = (parser as unknown as Built).getOptions();
  const boolean = new Set(options.boolean.map(longName));
  const others = Object.keys(options.key).map(longName);
  return {
    positional,
    boolean,
    valued: new Set(others.filter((name) => !boolean.has(name) && !positional.includes(name))),
  };
}

/** @param command as yargs has it: `plan <scenario>`. */
export function positionalsOf(command: string): string[] {
  return [...command.matchAll(/[[<]([\w-]+)/g)].map(([, name]) => name as string);
}

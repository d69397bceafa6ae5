/** Explains what is wrong with a command line and what the user may have meant. */

import { InputError } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import { quoted } from '../model/quoted.ts';
import { COMMAND_NAMES } from './commands.ts';
import { positionalAsOption } from './refused-forms.ts';
import { optionsIn } from './refused-words.ts';

const HELP_HINT = '"pgquake --help" lists all commands and options';

/** An error that yargs reports. */
export class UsageError extends InputError {
  /** @param command the command whose help the hint names; empty if it is not known. */
  constructor(message: string, command = '') {
    const hint = COMMAND_NAMES.includes(command) ? `"pgquake ${command} --help" lists its options` : HELP_HINT;
    super(message, { code: 'usage', hint });
  }
}

/**
 * @param args the words after the program's name.
 * @param help the help of the called command, which names all of its options.
 * @returns the error in pgquake's words.
 */
export function explainUsage({ message }: UsageError, args: readonly string[], help: string): InputError {
  const [command = ''] = args;
  const options = [...new Set([...help.matchAll(/ --([a-z][a-z-]+)/g)].map(([, name]) => name as string))];
  const unknown = /^Unknown arguments?: (.*)$/s.exec(message)?.[1]?.split(', ');
  if (unknown) {
    // yargs reports an unknown option twice, as `a-b` and as `aB`.
    const written = unknown.filter((name) => isWritten(name, args));
    return new UsageError(
      (written.length > 0 ? written : unknown).map((name) => stranger(name, args, options)).join('\n'),
      command,
    );
  }
  const valueless = /^Not enough arguments following: (.*)$/s.exec(message)?.[1];
  if (valueless !== undefined) return new UsageError(`--${valueless}: expected a value, found none`, command);
  const choice = /Argument: (\S+), Given: (.*), Choices: (.*)$/s.exec(message);
  if (choice) {
    const [, name, given, choices] = choice as unknown as [string, string, string, string];
    const what = help.includes(`<${name}>`) || help.includes(`[${name}]`) ? `<${name}>` : `--${name}`;
    const words = choices.replaceAll('"', '');
    return new UsageError(
      `${what}: expected ${words.includes(', ') ? 'one of ' : ''}${words}, found ${given}`,
      command,
    );
  }
  const got = /^Not enough non-option arguments: got (\d+)/.exec(message)?.[1];
  const needed = help.split('\n', 1)[0]?.match(/<[^>]+>/g)?.[Number(got)];
  const name = needed?.replace(/\W+/g, '') ?? '';
  const asOption = args.find((word) => optionsIn(word).includes(name));
  if (asOption !== undefined) return positionalAsOption(asOption, name);
  if (needed !== undefined)
    return new UsageError(`expected ${needed} after ${quoted(command)}, found nothing`, command);
  return new UsageError(message, command);
}

/** An unknown scenario may be a misspelt command. */
export function orCommand(error: InputError, [word = '']: readonly string[]): InputError {
  const isSlip = error.code === 'scenario-unknown' && !COMMAND_NAMES.includes(word);
  const meant = isSlip ? nearest(word, COMMAND_NAMES) : undefined;
  if (meant === undefined) return error;
  return new InputError(
    `${error.message.replace(/\?$/, '')}${/did you mean/.test(error.message) ? ', or' : '; did you mean'} the command "${meant}"?`,
    {
      code: error.code,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
  );
}

function stranger(name: string, args: readonly string[], options: readonly string[]): string {
  if (args.includes(name)) return `unexpected argument ${quoted(name)}`;
  const meant = nearest(name, options);
  return `there is no option --${name}${meant === undefined ? '' : `; did you mean --${meant}?`}`;
}

function isWritten(name: string, args: readonly string[]): boolean {
  return args.some((word) => word === name || word.replace(/^--?(no-)?/, '').split('=')[0] === name);
}

/** Forms of options and words that yargs would drop or misread without a word. */

import { InputError } from '../model/errors.ts';
import { quoted } from '../model/quoted.ts';
import type { OptionKinds } from './known-options.ts';
import { longName, optionsIn, own } from './refused-words.ts';

/** Commands that pass the words after `--` to another program. */
const PASSING_ON: readonly string[] = ['connect', 'completion'];

/**
 * @param args the words after the program's name. @param command the command that they call; without one, a run.
 * @throws InputError naming the first word that the command would drop or misread.
 */
export function refuseForms(args: readonly string[], command: string | undefined, kinds: OptionKinds): void {
  refuseDropped(args, command);
  const words = own(args);
  words.forEach((word, i) => {
    const [name] = optionsIn(word).slice(-1);
    if (name === undefined) return;
    if (kinds.positional.includes(name)) throw positionalAsOption(word, name);
    if (kinds.valued.has(name)) refuseNoValue(word, name, words[i + 1]);
    if (kinds.boolean.has(name)) refuseNoBoolean(word, name);
  });
}

function refuseDropped(args: readonly string[], command: string | undefined): void {
  const dropped = args.slice(own(args).length + 1);
  if (dropped.length === 0 || (command !== undefined && PASSING_ON.includes(command))) return;
  throw new InputError(`unexpected ${dropped.map(quoted).join(' ')} after --`, {
    code: 'usage',
    hint: 'leave out the --: scenarios and options come without it',
  });
}

/** @returns the error for a positional argument that is given as an option: yargs would let one replace the other. */
export function positionalAsOption(word: string, name: string): InputError {
  return new InputError(`there is no option --${name}, found ${quoted(word)}`, {
    code: 'usage',
    hint: `write <${name}> as a word of its own, without --${name}`,
  });
}

function refuseNoValue(word: string, name: string, next: string | undefined): void {
  if (/^--no-/.test(word) && longName(word.slice(2).replace(/=.*/s, '')) !== name) {
    throw new InputError(`--${name} takes a value, found ${quoted(word)}`, {
      code: 'usage',
      hint: `to use its default, leave out --${name}`,
    });
  }
  const value = word.includes('=') ? word.replace(/^[^=]*=/, '') : /^-[a-zA-Z-]+$/.test(word) ? next : undefined;
  if (value === undefined || value.trim() !== '') return;
  throw new InputError(`--${name}: expected a value, found ${quoted(value)}`, {
    code: 'usage',
    hint: `to use its default, leave out --${name}`,
  });
}

/** For yargs every value but `true` is false: `--dry-run=yes` would start a run. */
function refuseNoBoolean(word: string, name: string): void {
  const value = word.includes('=') ? word.replace(/^[^=]*=/, '') : 'true';
  if (value === 'true' || value === 'false') return;
  throw new InputError(`--${name}: expected no value, or true or false, found ${quoted(value)}`, { code: 'usage' });
}

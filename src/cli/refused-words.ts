/** What no command accepts: an option given twice, `-` for standard input, a word instead of a number. */

import { InputError } from '../model/errors.ts';
import { quoted } from '../model/quoted.ts';

/** Short names of options. */
const LONG: Readonly<Record<string, string>> = {
  f: 'follow',
  h: 'help',
  n: 'lines',
  q: 'quiet',
  v: 'version',
};

/** Options that may be given more than once. */
const REPEATABLE: ReadonlySet<string> = new Set(['set', 'tag', 'url', 'docker', 'ssh']);

/**
 * @param args the words after the program's name; words after `--` belong to another program.
 * @throws InputError naming an option that is given more than once, in any spelling.
 */
export function refuseGivenTwice(args: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of own(args).flatMap(optionsIn)) {
    if (seen.has(name) && !REPEATABLE.has(name)) {
      throw new InputError(`--${name} is given twice`, { code: 'usage', hint: 'give it once' });
    }
    seen.add(name);
  }
}

/**
 * @param args the words after the program's name.
 * @throws InputError if `-` asks for standard input.
 */
export function refuseStandardInput(args: readonly string[]): void {
  if (!own(args).includes('-')) return;
  throw new InputError('pgquake does not read standard input: a run keeps its scenario by path', {
    code: 'usage',
    hint: 'save the scenario in a file and give its path, such as ./mine.yaml',
  });
}

/**
 * @param args the words after the program's name. @param read the values that yargs parsed.
 * @throws InputError naming an option that expects a number and has a word.
 */
export function refuseNoNumber(args: readonly string[], read: Readonly<Record<string, unknown>>): void {
  const name = Object.keys(read).find((one) => /^[a-z-]{2,}$/.test(one) && Number.isNaN(read[one]));
  if (name === undefined) return;
  const words = own(args);
  const at = words.findIndex((word) => optionsIn(word).includes(name));
  const typed = words[at]?.includes('=') ? words[at].replace(/^[^=]*=/, '') : words[at + 1];
  throw new InputError(`--${name}: expected a number, found ${quoted(typed ?? '')}`, { code: 'usage' });
}

/** The words before `--`; later words belong to another program. */
export function own(args: readonly string[]): readonly string[] {
  return args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
}

/** `--max-down=1`, `--maxDown` and `--no-max-down` are one option; `-fn` is two; a negative number is not an option. */
export function optionsIn(word: string): string[] {
  const long = /^--(?:no-)?([^=]+)/.exec(word)?.[1];
  if (long !== undefined) return [longName(long)];
  const short = /^-([a-zA-Z]+)/.exec(word)?.[1];
  return [...(short ?? '')].map(longName);
}

/** @param name in any spelling that yargs knows: `maxDown`, `n`. */
export function longName(name: string): string {
  return LONG[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

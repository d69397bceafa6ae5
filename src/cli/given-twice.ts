/** No option that stands for one value may be given twice: which of the two is meant, nobody can know. */

import { InputError } from '../model/errors.ts';

/** Short names of options. */
const LONG: Readonly<Record<string, string>> = { f: 'follow', h: 'help', n: 'lines', v: 'version' };

/** What each of them means is known. */
const REPEATABLE: ReadonlySet<string> = new Set(['set', 'url', 'docker', 'ssh']);

/**
 * @param args the command line behind the program's name; what follows `--` is for another program.
 * @throws InputError naming an option that is there more than once, in whatever spelling.
 */
export function refuseGivenTwice(args: readonly string[]): void {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  const seen = new Set<string>();
  for (const name of own.flatMap(optionsIn)) {
    if (seen.has(name) && !REPEATABLE.has(name)) {
      throw new InputError(`--${name} is given twice`, { code: 'usage', hint: 'give every option once' });
    }
    seen.add(name);
  }
}

/** `--max-down=1`, `--maxDown` and `--no-max-down` are the same option; `-fn` are two. A negative number is none. */
function optionsIn(word: string): string[] {
  const long = /^--(?:no-)?([^=]+)/.exec(word)?.[1];
  if (long !== undefined) return [long.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)];
  const short = /^-([a-zA-Z]+)/.exec(word)?.[1];
  return [...(short ?? '')].map((letter) => LONG[letter] ?? letter);
}

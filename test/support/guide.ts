/**
 * A guide of the documentation as something to be followed: the files that it has its reader write, the commands that it
 * has him run, and what they print. A fence says what it is: `yaml inventory.yaml` is a file, `sudoers` the rights of a
 * user on the machines, `sql` what an administrator runs, and `console` a transcript with `$ ` before each command.
 */

import { stripVTControlCharacters } from 'node:util';

export type Step =
  | { readonly type: 'file'; readonly name: string; readonly text: string }
  | { readonly type: 'sudoers'; readonly text: string }
  | { readonly type: 'sql'; readonly text: string }
  | { readonly type: 'command'; readonly command: string; readonly output: string };

const FENCE = /^( *)```(\w+)?(?: (\S+))?\n([\s\S]*?)^\1```$/gm;

/** @returns the section under a heading, with all sections inside of it. @throws where there is none. */
export function sectionOf(page: string, heading: string): string {
  const found = new RegExp(`^(#+) ${heading.replaceAll(/[.*+?^$()[\]\\|]/g, '\\$&')}\n([\\s\\S]*)`, 'm').exec(page);
  if (!found) throw new Error(`no heading "${heading}"`);
  const [, level = '', rest = ''] = found;
  const end = rest.search(new RegExp(`^#{1,${level.length}} `, 'm'));
  return end === -1 ? rest : rest.slice(0, end);
}

/** What a reader does, from the first line to the last. */
export function stepsOf(section: string): Step[] {
  return [...section.matchAll(FENCE)].flatMap(([, indent = '', language, name, body = '']): Step[] => {
    const text = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    if (language === 'yaml' && name !== undefined) return [{ type: 'file', name, text }];
    if (language === 'sudoers' || language === 'sql') return [{ type: language, text }];
    return language === 'console' ? commandsOf(text) : [];
  });
}

function commandsOf(text: string): Step[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...output] = part.split('\n');
      return { type: 'command', command, output: output.join('\n').trimEnd() };
    });
}

/**
 * @param heading of the section that has the command.
 * @returns the page with what was printed in place of what stands there.
 */
export function withOutput(
  page: string,
  heading: string,
  { command, output: before }: { readonly command: string; readonly output: string },
  after: string,
): string {
  const section = sectionOf(page, heading);
  const lines = (indent: string, output: string) =>
    [`$ ${command}`, ...(output === '' ? [] : output.split('\n'))]
      .map((line) => `${indent}${line}`.trimEnd())
      .join('\n');
  for (const indent of ['   ', '']) {
    const old = `\n${lines(indent, before)}\n`;
    if (!section.includes(old)) continue;
    const anew = section.replace(old, () => `\n${lines(indent, after)}\n`);
    return page.replace(section, () => anew);
  }
  throw new Error(`the section "${heading}" has no transcript of "${command}"`);
}

/** Counters of the load come once a second, and say nothing that the end does not. */
const COUNTS = /^ *[\d.]+ s {2}load /;

/** What a transcript has of what was printed. */
export function shown(output: string): string {
  return stripVTControlCharacters(output)
    .replaceAll('\r', '')
    .split('\n')
    .filter((line) => !COUNTS.test(line))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd();
}

/** Who was seen to do what and how good service was is each run's own: lines of a transcript once they are masked. */
const OWN = /^(0 (roles|witness|note) |[a-z-]+ 0 % ok |outage of |brownout |primary db-)/;
/** The rest of a line that was too long; where it breaks depends on the numbers in it. */
const BROKEN = /\n {8,}(?!expected: |outage of |brownout of |one |\d)/g;
/** The last paragraph before the verdict says how the run went. */
const FINDING = /\n\n[^\n]+(?:\n[^\n]+)*\n\n(PASS|FAIL|UNKNOWN) /;

/** The same for every run that goes as this one: without times, numbers, ids and what they push aside, and what is its own. */
export function masked(output: string): string {
  return shown(output)
    .replace(FINDING, '\n\n$1 ')
    .replaceAll(BROKEN, ' ')
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/\b[0-9a-f]{12,64}\b/g, '0')
        // Refused or reset: who answers for a server that has just ended is chance.
        .replaceAll(/\((?:ECONN[A-Z]+|57P0[0-9])\)/g, '(refused)')
        .replaceAll(/[+-]?\d[\d,]*(?:\.\d+)?(?: (?:ms|s|min|h)\b)?/g, '0')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter((line, i, all) => !OWN.test(line) && (line !== '' || all[i - 1] !== ''))
    .join('\n');
}

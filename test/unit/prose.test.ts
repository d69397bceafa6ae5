/** The prose linter of `npm run lint` refuses what our texts must not say; the words hold for comments too. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter, loadTextlintrc } from 'textlint';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { PAGES, ROOT } from '../../tools/docs/page.ts';

const descriptor = await loadTextlintrc({ configFilePath: join(ROOT, '.textlintrc.json') });
const linter = createLinter({ descriptor });

async function rulesAgainst(text: string): Promise<string[]> {
  const { messages } = await linter.lintText(text, join(ROOT, 'docs/some.md'));
  return messages.map(({ ruleId }) => ruleId);
}

test('all pages pass', async () => {
  const found = await Promise.all([...PAGES, 'CHANGELOG.md'].map((page) => linter.lintFiles([join(ROOT, page)])));
  const told = found
    .flat()
    .flatMap(({ filePath, messages }) => messages.map(({ line, message }) => `${filePath}:${line}: ${message}`));
  expect(told).toEqual([]);
});

test('a sentence of 24 short words passes', async () => {
  expect(await rulesAgainst(`${'The client reads one row. '.repeat(10)}\n`)).toEqual([]);
});

test('a sentence of more than 220 letters is refused', async () => {
  expect(await rulesAgainst(`The client ${'reads a row and '.repeat(14)}stops.\n`)).toEqual(['sentence-length']);
});

test.each([
  'It ends so far as it can.',
  'The load runs for so long.',
  'The fault has an end of its own.',
  'Whoever connects is refused.',
  'Nobody answers.',
  'The server takes long.',
  'It does this in order to heal.',
  'Please utilize it.',
])('%s', async (sentence) => {
  expect(await rulesAgainst(`${sentence}\n`)).toContain('prh');
});

test('code is left alone', async () => {
  expect(await rulesAgainst('    whoever comes\n\n```sh\nnobody\n```\n\n`nobody`\n')).toEqual([]);
});

describe('comments', () => {
  const words = parse(readFileSync(join(ROOT, 'tools/prose/words.yml'), 'utf8')) as {
    readonly rules: readonly { readonly pattern: string }[];
  };
  const patterns = words.rules.map(({ pattern }) => new RegExp(pattern.slice(1, -2), 'i'));

  /** The words of comments in a text that must not occur, each with its comment. Code in a comment is left alone. */
  function refusedIn(text: string, comment: RegExp): string[] {
    const prose = [...text.matchAll(comment)].map(([one]) =>
      one.replaceAll(/`[^`]*`/g, '').replaceAll(/\s*\n\s*[*#]?\s*/g, ' '),
    );
    return prose.flatMap((one) => patterns.flatMap((pattern) => (pattern.test(one) ? [one.trim()] : [])));
  }

  const SCRIPT = /\/\*[\s\S]*?\*\/|(?<![:'"`\w])\/\/ .*/g;
  const YAML = /^[ ]*#.*(?:\n[ ]*#.*)*/gm;

  test.each([
    ['src/**/*.ts', SCRIPT],
    ['examples/**/src/**/*.ts', SCRIPT],
    ['{scenarios,examples}/**/*.yaml', YAML],
  ])('of %s', (files, comment) => {
    const found = globSync(files, { cwd: ROOT, exclude: (name) => name.includes('node_modules') });
    expect(found).not.toEqual([]);
    const refused = found.flatMap((file) =>
      refusedIn(readFileSync(join(ROOT, file), 'utf8'), comment).map((one) => `${file}: ${one}`),
    );
    expect(refused).toEqual([]);
  });

  test('are read over their lines, without code', () => {
    expect(refusedIn("/** Asks, so\n * far as it can. */\nconst a = 'nobody'; // `nobody`\n", SCRIPT)).toHaveLength(1);
    expect(refusedIn('# What nobody\n# says.\nname: nobody\n', YAML)).toHaveLength(1);
  });
});

/** The prose linter of `npm run lint` refuses what our texts must not say. */

import { join } from 'node:path';
import { createLinter, loadTextlintrc } from 'textlint';
import { expect, test } from 'vitest';
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

/** What README.md and the tutorial show: scenarios that are valid, and commands that exist. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMAND_NAMES } from '../../src/cli/commands.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ROOT } from '../../tools/docs/page.ts';

const PAGES = ['README.md', 'docs/tutorial.md'];
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const blocks = (page: string, language: string) =>
  [...textOf(page).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)\`\`\``, 'gms'))].map(([, text]) => text as string);
const scenarios = (page: string) => blocks(page, 'yaml').filter((text) => text.startsWith('name: mine\n'));

test.each(PAGES)('the scenario of %s is valid', (page) => {
  expect(scenarios(page)).toHaveLength(1);
  for (const text of scenarios(page)) expect(parseScenario(text, 'mine.yaml', vocabulary).faults).toHaveLength(1);
});

test('a mistake in the scenario of the README is answered with its place', () => {
  const [text = ''] = scenarios('README.md');
  expect(() => parseScenario(text.replace('for: 5s', 'for: 5 sec'), 'mine.yaml', vocabulary)).toThrow(
    /^mine\.yaml:5:\d+ faults\[0\]\.for: expected a duration such as 8s or 500ms, found "5 sec"$/,
  );
});

test.each(PAGES)('the commands of %s exist, and so do the scenarios that they run', (page) => {
  const shown = blocks(page, 'sh').flatMap((block) => [...block.matchAll(/npm run chaos -- (\S+)/g)]);
  expect(shown.length).toBeGreaterThan(2);
  for (const [, word = ''] of shown) {
    if (COMMAND_NAMES.includes(word) || word === './mine.yaml') continue;
    expect(textOf(`scenarios/${word}.yaml`), word).toMatch(/^summary: /m);
  }
});

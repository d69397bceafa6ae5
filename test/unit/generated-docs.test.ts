/** Generated parts of the documentation are as the code makes them, and people write no more words than this. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fill, PAGES, ROOT, wordsOf, written } from '../../tools/docs/page.ts';
import { part } from '../../tools/docs/parts.ts';
import { PICTURE, recordedPicture } from '../../tools/docs/recorded.ts';

/** Outside of generated parts, in all pages together. */
const MOST_WORDS = 15_000;

const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');

test.each(PAGES)('%s: "npm run docs" would change nothing', (page) => {
  const text = textOf(page);
  expect(fill(text, part)).toBe(text);
  const markers = text.match(/^<!-- (generated: .*|end of generated) -->$/gm) ?? [];
  expect(markers.length).toBe(2 * (text.match(/^<!-- generated: /gm) ?? []).length);
});

test('the picture of the recorded run is as the reporter draws it', () => {
  expect(textOf(PICTURE)).toBe(recordedPicture());
});

test('people wrote no more than the limit', () => {
  const counts = PAGES.map((page) => wordsOf(written(textOf(page))));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(MOST_WORDS);
});

test('generated parts, transcripts, links and marks are not counted', () => {
  const page =
    'One [two](three/four.md) | --- 5\n<!-- generated: x -->\nnot these\n<!-- end of generated -->\nsix\n' +
    '   ```console\n   $ pgquake list\n   control\n   ```\n';
  expect(wordsOf(written(page))).toBe(4);
});

test('a part that nobody makes is refused', () => {
  expect(() => part('nonsense here')).toThrow(/no generated part "nonsense here"/);
  expect(() => part('check nonsense')).toThrow(/nothing is called "nonsense"/);
});

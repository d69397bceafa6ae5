/** `npm run docs`: updates the generated parts of the documentation in place and prints the number of written words. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fill, PAGES, ROOT, wordsOf, written } from './page.ts';
import { part } from './parts.ts';
import { PICTURE, recordedPicture } from './recorded.ts';

let words = 0;
for (const page of PAGES) {
  const before = readFileSync(join(ROOT, page), 'utf8');
  const after = fill(before, part);
  if (after !== before) writeFileSync(join(ROOT, page), after);
  const count = wordsOf(written(after));
  words += count;
  console.log(`${String(count).padStart(6)}  ${page}${after === before ? '' : '  (made anew)'}`);
}
writeFileSync(join(ROOT, PICTURE), recordedPicture());
console.log(`${String(words).padStart(6)}  words outside of generated parts`);

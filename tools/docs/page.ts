/** Pages of the documentation: which there are, their generated parts, and how many words a person wrote. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** Paths of all pages that the limit of words holds, from the root. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

/** What a terminal showed: `npm run guides` holds it. */
const TRANSCRIPT = /^( *)```console\n.*?^\1```$/gms;

const PART = /^<!-- generated: (.+?) -->\n(.*?)^<!-- end of generated -->$/gms;

/** @returns the page with every generated part made anew. */
export function fill(page: string, generate: (name: string) => string): string {
  return page.replaceAll(
    PART,
    (_, name: string) => `<!-- generated: ${name} -->\n${generate(name).trim()}\n<!-- end of generated -->`,
  );
}

/** @returns the page as a person wrote it: without generated parts and transcripts. */
export function written(page: string): string {
  return page.replaceAll(PART, '').replaceAll(TRANSCRIPT, '');
}

/** Words are what has a letter or a digit in it; where a link leads is none. */
export function wordsOf(text: string): number {
  return text
    .replaceAll(/\]\([^)\s]+\)/g, ']')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

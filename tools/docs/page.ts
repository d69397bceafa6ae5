/** The pages of the documentation, their generated parts, and how many words were written by hand. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** Paths, from the root, of all pages that count towards the limit of words. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

/** Recorded terminal output, which `npm run guides` checks. */
const TRANSCRIPT = /^( *)```console\n.*?^\1```$/gms;

const PART = /^<!-- generated: (.+?) -->\n(.*?)^<!-- end of generated -->$/gms;

/** @returns the page with every generated part updated. */
export function fill(page: string, generate: (name: string) => string): string {
  return page.replaceAll(
    PART,
    (_, name: string) => `<!-- generated: ${name} -->\n${generate(name).trim()}\n<!-- end of generated -->`,
  );
}

/** @returns the hand-written part of the page: without generated parts and transcripts. */
export function written(page: string): string {
  return page.replaceAll(PART, '').replaceAll(TRANSCRIPT, '');
}

/** Counts words with a letter or a digit; link targets do not count. */
export function wordsOf(text: string): number {
  return text
    .replaceAll(/\]\([^)\s]+\)/g, ']')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

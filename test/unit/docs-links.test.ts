/** Every link of the documentation leads to a file and a heading that are there, and every page is found by task. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const DOCS = join(ROOT, 'docs');
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].map((name) => join(ROOT, name)),
  ...readdirSync(DOCS).flatMap((name) => (name.endsWith('.md') ? [join(DOCS, name)] : [])),
];

const withoutCode = (text: string) => text.replaceAll(/```.*?```/gs, '').replaceAll(/`[^`\n]*`/g, 'code');

/** As GitHub names the heading in an address. */
const slugOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

function headingsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replaceAll(/```.*?```/gs, '');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slugOf(heading as string));
}

function linksOf(file: string): string[] {
  const text = withoutCode(readFileSync(file, 'utf8'));
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link as string)
    .filter((link) => !/^https?:/.test(link));
}

test.each(PAGES.map((file) => [relative(ROOT, file), file]))('%s', (_, file) => {
  const broken = linksOf(file).filter((link) => {
    const [path = '', heading] = link.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    if (!existsSync(target)) return true;
    return heading !== undefined && statSync(target).isFile() && !headingsOf(target).includes(heading);
  });
  expect(broken).toEqual([]);
});

test('docs/README.md names every page', () => {
  const named = linksOf(join(DOCS, 'README.md')).map((link) => link.split('#')[0]);
  const pages = readdirSync(DOCS).filter((name) => name.endsWith('.md') && name !== 'README.md');
  expect(pages.filter((name) => !named.includes(name))).toEqual([]);
});

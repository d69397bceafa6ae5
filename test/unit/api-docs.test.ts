/** docs/api.md says what is so: its examples are files of the example package, its methods those of the API. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VARIANT_KINDS } from '../../src/own-variants.ts';
import { pgquake } from '../../src/pgquake.ts';

const ROOT = join(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'docs/api.md'), 'utf8');
const section = (title: string) => text.split(/^## /m).find((part) => part.startsWith(title)) ?? '';
const firstColumn = (part: string) => [...part.matchAll(/^\| `?([^`|]+?)`? +\|/gm)].map(([, cell]) => cell);

const examples = [...text.matchAll(/^`([^`]+)`:\n\n```ts\n(.*?)```/gms)].map(([, file, code]) => [file, code] as const);

test('every example is a file of the example package', () => {
  expect(examples.length).toBe((text.match(/```ts/g) ?? []).length);
  expect(examples.length).toBeGreaterThanOrEqual(4);
});

test.each(examples)('%s is as that file is', (file, code) => {
  expect(code).toBe(readFileSync(join(ROOT, 'examples/own-variants', file as string), 'utf8'));
});

test('the table of methods names each of them', () => {
  const methods = Object.entries(pgquake()).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
  expect(firstColumn(section('In code')).slice(2)).toEqual(methods);
});

test('every kind of variant has its row', () => {
  const kinds = firstColumn(section('Variants')).slice(2);
  expect(kinds.map((kind) => `${kind}s`).toSorted()).toEqual([...VARIANT_KINDS].toSorted());
});

/** docs/reports.md names every part of report.json. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reportSchema } from '../../src/model/report-schema.ts';

const docs = readFileSync(new URL('../../docs/reports.md', import.meta.url), 'utf8');

function tableAfter(heading: string): string[] {
  const text = docs.slice(docs.indexOf(`\n${heading}\n`));
  const rows = text.split('\n').filter((line) => /^\| `/.test(line));
  const end = text.indexOf('\n## ', 1);
  return rows.filter((row) => text.indexOf(row) < end).map((row) => /^\| `([^`]+)`/.exec(row)?.[1] as string);
}

test('the fields of report.json, in their order', () => {
  expect(tableAfter('## report.json')).toEqual(Object.keys(reportSchema.shape));
});

test('the parts of the figures', () => {
  const row = docs.split('\n').find((line) => /^\| `figures` +\|/.test(line)) as string;
  expect([...row.matchAll(/`(\w+)`/g)].slice(1).map(([, name]) => name)).toEqual(
    Object.keys(reportSchema.shape.figures.shape),
  );
});

/** Places in a build, told in the names of our source files. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inSourcePlaces } from '../../src/cli/source-places.ts';
import { packageFolder } from '../../src/model/package-files.ts';

let folder: string;
let chunk: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-places-'));
  mkdirSync(join(folder, 'chunks'));
  chunk = join(folder, 'chunks/runner-a1.js');
  // Line 1, column 1 of the build is line 3, column 1 of the source.
  const source = relative(join(folder, 'chunks'), join(packageFolder(), 'src/run/runner.ts'));
  writeFileSync(`${chunk}.map`, JSON.stringify({ version: 3, names: [], sources: [source], mappings: 'AAEA' }));
});

afterEach(() => rmSync(folder, { recursive: true }));

test('a place that a source map knows is one in the source', () => {
  const stack = `Error: wrong\n    at run (${pathToFileURL(chunk).href}:1:1)\n    at ${chunk}:1:1`;
  expect(inSourcePlaces(stack, folder)).toBe(
    'Error: wrong\n    at run (src/run/runner.ts:3:1)\n    at src/run/runner.ts:3:1',
  );
});

test('every other place stays', () => {
  rmSync(`${chunk}.map`);
  const stack = `at ${chunk}:1:1 (node:path:12:3) /elsewhere/x.js:1:1`;
  expect(inSourcePlaces(stack, folder)).toBe(stack);
});

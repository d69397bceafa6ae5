/** The package as npm would publish it: what it exports has types, and they can be found by those who import it. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

let folder: string;
let tarball: Buffer<ArrayBuffer>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-package-'));
  tarball = readFileSync(process.env.PGQUAKE_TEST_TARBALL || packed());
});

/** Where nobody has packed it for the tests (PGQUAKE_TEST_TARBALL). */
function packed(): string {
  const { status, stdout, stderr } = spawnSync(join(ROOT, '.ci/tarball'), [folder], { encoding: 'utf8' });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout.trim();
}

afterAll(() => rmSync(folder, { recursive: true }));

test('publint finds nothing', async () => {
  const { messages, pkg } = await publint({ pack: { tarball: toArrayBuffer(tarball) } });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test('every export is found with its types by ES modules and by bundlers', async () => {
  const { types, problems, entrypoints } = (await checkPackage(
    createPackageFromTarballData(new Uint8Array(tarball)),
  )) as Extract<Awaited<ReturnType<typeof checkPackage>>, { entrypoints: unknown }>;
  expect(types).toMatchObject({ kind: 'included' });
  const exported = Object.keys(manifest.exports).filter((name) => !name.endsWith('.json'));
  expect(Object.keys(entrypoints)).toEqual(expect.arrayContaining(exported));
  // It is for ES modules alone, so what CommonJS would find is no matter.
  const relevant = problems.filter(
    (problem) => !('resolutionKind' in problem) || ['node16-esm', 'bundler'].includes(problem.resolutionKind),
  );
  expect(relevant).toEqual([]);
});

function toArrayBuffer(data: Buffer<ArrayBuffer>): ArrayBuffer {
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
}

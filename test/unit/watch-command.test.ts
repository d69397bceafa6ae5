/** What `pgquake watch` judges by. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { watching } from '../../src/cli/commands/watch.ts';
import { pgquake } from '../../src/pgquake.ts';

const folder = mkdtempSync(join(tmpdir(), 'pgquake-watch-'));
const quake = pgquake();

afterAll(() => rmSync(folder, { recursive: true }));

function checksOf(...nodes: readonly string[]): string[] {
  const file = join(folder, `${nodes.length}.yaml`);
  const lines = nodes.map((name, i) => `  ${name}: { url: "postgresql://app@192.0.2.${i + 1}:5432/orders" }\n`);
  writeFileSync(file, `name: orders\nnodes:\n${lines.join('')}`);
  return watching(quake, file, 60_000).hypothesis.map(({ check }) => check);
}

test('a primary and its standbys are asked whether they agree; one endpoint has nothing to agree with', () => {
  expect(checksOf('db-a', 'db-b')).toEqual(['lost-writes', 'split-brain', 'replicas-agree']);
  expect(checksOf('endpoint')).toEqual(['lost-writes', 'split-brain']);
});

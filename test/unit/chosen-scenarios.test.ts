/** Which scenarios names, patterns, paths, tags and suites choose. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenScenarios, chosenSuite } from '../../src/cli/chosen-scenarios.ts';
import type { RunArguments } from '../../src/cli/options.ts';
import { tagged } from '../../src/cli/tagged.ts';
import { pgquake } from '../../src/pgquake.ts';

const SCENARIOS = resolve(import.meta.dirname, '../../scenarios');
const quake = pgquake();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-chosen-'));
  for (const [name, tags] of [
    ['one', '[nightly]'],
    ['two', '[nightly, slow]'],
    ['three', '[]'],
  ] as const) {
    const text = `name: ${name}\nsummary: Some.\ntags: ${tags}\nhypothesis: [{ check: no-lost-writes }]\n`;
    writeFileSync(join(folder, `${name}.yaml`), text);
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

const asked = (given: Partial<RunArguments>) => ({ scenario: [], all: false, ...given }) as unknown as RunArguments;
const names = async (given: Partial<RunArguments>) =>
  (await chosenScenarios(quake, asked(given))).map(({ name }) => name);

describe('a pattern', () => {
  test('matches the scenarios of a suite', async () => {
    const found = await names({ scenario: ['patroni/primary-lost*'] });
    expect(found).toEqual(['primary-lost', 'primary-lost-sync']);
  });

  test('without a suite matches none in a suite; ** does', async () => {
    expect(await names({ scenario: ['primary-l*'] }).catch(({ message }) => message)).toBe(
      'no scenario matches "primary-l*"',
    );
    expect(await names({ scenario: ['**primary-lost'] })).toEqual(['primary-lost']);
    expect(await names({ scenario: ['one-worke?'] })).toEqual(['one-worker']);
  });

  test('of paths matches files, each once, in order', async () => {
    expect(await names({ scenario: [join(folder, 't*.yaml')] })).toEqual(['three', 'two']);
    expect(await names({ scenario: [join(folder, 't*.yaml'), join(folder, 'two.yaml')] })).toEqual(['three', 'two']);
    await expect(names({ scenario: [join(folder, 'x*.yaml')] })).rejects.toThrow(/no scenario matches/);
  });
});

test('a scenario runs once, however it is named, at its first place', async () => {
  const path = relative('.', join(SCENARIOS, 'one-worker.yaml'));
  const found = await names({ scenario: ['one-worker', 'three-workers', `./${path}`, 'one-worke?', 'one-worker'] });
  expect(found).toEqual(['one-worker', 'three-workers']);
});

describe('a tag', () => {
  const here = () => [join(folder, '*.yaml')];

  test('keeps the scenarios that have it', async () => {
    expect(await names({ scenario: here(), tag: ['nightly'] })).toEqual(['one', 'two']);
    expect(await names({ scenario: here(), tag: ['slow'] })).toEqual(['two']);
  });

  test('given twice keeps the scenarios that have either', () => {
    const some = [{ tags: ['a'] }, { tags: ['b'] }, { tags: ['c'] }, {}];
    expect(tagged(some, ['a', 'c'])).toEqual([{ tags: ['a'] }, { tags: ['c'] }]);
    expect(tagged(some, [])).toEqual(some);
  });

  test('alone runs every scenario that has it', async () => {
    const found = await names({ tag: ['failover'] });
    expect(found).toContain('primary-kill');
    expect(found).not.toContain('one-worker');
  });

  test('holds for suites', async () => {
    const suite = await chosenSuite(quake, asked({ suite: folder, tag: ['slow'] }));
    expect(suite?.scenarios.map(({ name }) => name)).toEqual(['two']);
  });

  test('that no scenario has is refused with the nearest', async () => {
    await expect(names({ scenario: here(), tag: ['nightl'] })).rejects.toThrow(
      'no scenario has the tag "nightl"; did you mean "nightly"?',
    );
  });

  test('that is not a word is refused with its place', () => {
    const text = 'name: a\nsummary: Some.\ntags: [Two words]\nhypothesis: [{ check: no-lost-writes }]\n';
    expect(() => quake.parse(text, 'a.yaml')).toThrow('a.yaml:3:8 tags[0]: expected a word in kebab-case');
  });
});

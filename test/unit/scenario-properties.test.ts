/** For any text, the loader returns a scenario or throws a `ScenarioError` with the right places. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { type Problem, ScenarioError } from '../../src/scenario/problems.ts';
import { runs } from '../support/properties.ts';

const FOLDER = join(import.meta.dirname, '../../scenarios');

function problemsOf(text: string, file = 'mine.yaml'): readonly Problem[] {
  try {
    parseScenario(text, file, vocabulary);
    return [];
  } catch (error) {
    if (error instanceof ScenarioError) return error.problems;
    throw error;
  }
}

function expectPlacesInside(text: string, problems: readonly Problem[]): void {
  const lines = text.split('\n');
  for (const { place } of problems) {
    expect(place.line).toBeGreaterThanOrEqual(1);
    expect(place.line).toBeLessThanOrEqual(lines.length);
    expect(place.column).toBeGreaterThanOrEqual(1);
    expect(place.column).toBeLessThanOrEqual((lines[place.line - 1] as string).length + 1);
  }
}

/** Text that resembles a scenario. */
const words = fc.constantFrom(
  ...['name', 'summary', 'cluster', 'workers', 'faults', 'fault', 'target', 'hypothesis', 'check', 'use', 'chat'],
  ...[
    'node-stop',
    'worker1',
    '8s',
    '200/s',
    '99%',
    ': ',
    '- ',
    '{ ',
    ' }',
    '[',
    ']',
    ', ',
    '\n',
    '\n  ',
    '\t',
    '"',
    "'",
  ],
  ...[
    '&a ',
    '*a',
    '<<',
    '!!',
    '? ',
    '| ',
    '---\n',
    '#',
    '%',
    '\u0000',
    '\ufeff',
    '\ud800',
    '💥',
    '__proto__',
    '-1',
    '1e400',
  ],
);

describe('any text', () => {
  test('is a scenario or a list of problems inside the text', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(words).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (input) => {
        const problems = problemsOf(input);
        expect(problems.length).toBeGreaterThan(0);
        expectPlacesInside(input, problems);
      }),
      // The parser miscounts the lines of the example.
      { numRuns: runs(200), examples: [['[[ }name\nname']] },
    );
  });

  test('any YAML value in any section is accepted, or refused with its place', () => {
    const key = fc.constantFrom(
      ...['name', 'summary', 'claim', 'cluster', 'workload', 'steady-state', 'faults', 'settle', 'hypothesis', 'seed'],
    );
    const inner = fc.constantFrom(
      ...[
        'workers',
        'shards',
        'use',
        'read',
        'rate',
        'for',
        'within',
        'fault',
        'target',
        'at',
        'role',
        'pick',
        'check',
      ],
    );
    const word = fc.constantFrom('node-stop', 'worker1', 'no-lost-writes', 'availability', 'chat', '8s', '5/s', '99%');
    const { value } = fc.letrec((tie) => ({
      leaf: fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string()),
      value: fc.oneof(
        { maxDepth: 4 },
        tie('leaf'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(inner, fc.string()), tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 10 }), (scenario) => {
        const text = stringify(scenario);
        expectPlacesInside(text, problemsOf(text));
      }),
      { numRuns: runs(150) },
    );
  });
});

describe('one word of a shipped scenario misspelt', () => {
  const shipped = readdirSync(FOLDER)
    .filter((file) => /^[^.]+\.yaml$/.test(file))
    .map((file) => ({ file, text: readFileSync(join(FOLDER, file), 'utf8') }));

  test('there are scenarios to misspell', () => {
    expect(shipped.length).toBeGreaterThanOrEqual(5);
  });

  /** Words with a meaning: not those in comments and sentences. */
  function wordsOf(text: string): { readonly index: number; readonly word: string; readonly line: number }[] {
    return text.split('\n').flatMap((line, i) => {
      if (/^\s*(#|summary:|claim:)/.test(line)) return [];
      const before = text.split('\n').slice(0, i).join('\n').length + (i === 0 ? 0 : 1);
      // A scenario may have any name and any tags.
      const code = line.replace(/\s#.*/, '').replace(/^(name|tags)(:).*/, '$1$2');
      return [...code.matchAll(/[\w%/-]+/g)].map((match) => ({
        index: before + match.index,
        word: match[0],
        line: i + 1,
      }));
    });
  }

  test.each(shipped)('$file: every misspelt word is refused on its line', ({ file, text }) => {
    const all = wordsOf(text).filter(({ word }) => word !== '-');
    expect(all.length).toBeGreaterThan(30);
    expect(problemsOf(text, file)).toEqual([]);
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.constantFrom('xyz', '_', 'x x', '!'), ({ index, word, line }, slip) => {
        const end = index + word.length;
        const problems = problemsOf(text.slice(0, end) + slip + text.slice(end), file);
        expect(problems.map(({ place }) => place.line)).toContain(line);
      }),
      { numRuns: runs(150) },
    );
  });

  test.each(shipped)('$file: a missing key is refused, or has a default', ({ file, text }) => {
    const optional = [
      'name',
      'cluster',
      'workload',
      'probes',
      'pressure',
      'steady-state',
      'faults',
      'settle',
      'seed',
      'claim',
      'tags',
    ];
    const keys = [...text.matchAll(/^([a-z-]+):/gm)].map((match) => match[1] as string);
    expect(keys).toContain('hypothesis');
    for (const key of keys) {
      const without = text.replace(new RegExp(`^${key}:.*\\n(?: .*\\n)*`, 'm'), '');
      const messages = problemsOf(without, file).map(({ message }) => message);
      // Without its members there is no role to strike, and no route.
      if (key === 'cluster' && text.includes('members:')) {
        expect(messages).toContainEqual(expect.stringMatching(/there is no (role|route)/));
        continue;
      }
      const expected = optional.includes(key) ? [] : [expect.stringContaining(`missing key "${key}"`)];
      expect(messages).toEqual(expected);
    }
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refuseGivenTwice, refuseNoNumber, refuseStandardInput } from '../../src/cli/refused-words.ts';
import { InputError } from '../../src/model/errors.ts';

const COMMANDS = resolve(import.meta.dirname, '../../src/cli/commands');

describe('an option that is given twice', () => {
  test.each([
    ['--reports a --reports b', '--reports'],
    ['--platform local --platform local', '--platform'],
    ['one-worker --seed 1 three-workers --seed=2', '--seed'],
    ['--all --all', '--all'],
    ['--all --no-all', '--all'],
    ['tolerance --max-down 1 --maxDown 2', '--max-down'],
    ['logs -n 5 --lines 6', '--lines'],
    ['logs -f --follow', '--follow'],
    ['logs -fn 5 -n 6', '--lines'],
  ])('%s', (line, option) => {
    const refusing = () => refuseGivenTwice(line.split(' '));
    expect(refusing).toThrow(InputError);
    expect(refusing).toThrow(`${option} is given twice`);
  });

  test.each([
    'one-worker one-worker --seed -1 --reports a',
    'connect --project a -- --command x --command y -c a -c b',
    'logs -fn 5',
    'one-worker --set a=1 --set b=2',
    '',
  ])('is none in: %s', (line) => {
    expect(() => refuseGivenTwice(line.split(' '))).not.toThrow();
  });

  test('short names are those of the commands', () => {
    const sources = readdirSync(COMMANDS).map((file) => readFileSync(join(COMMANDS, file), 'utf8'));
    const short = sources.flatMap((text) => [...text.matchAll(/option\('([a-z-]+)', \{[^}]*alias: '(\w)'/g)]);
    expect(short.map(([, long, letter]) => [long, letter])).toEqual([
      ['follow', 'f'],
      ['lines', 'n'],
    ]);
  });
});

test.each([
  [['one-worker', '--seed', 'abc'], { seed: Number.NaN }, '--seed: expected a number, found "abc"'],
  [['one-worker', '--seed=abc'], { seed: Number.NaN }, '--seed: expected a number, found "abc"'],
  [['tolerance', '--maxDown', 'all'], { 'max-down': Number.NaN, maxDown: Number.NaN }, '--max-down: expected a number'],
  [['logs', '-n', 'all'], { n: Number.NaN, lines: Number.NaN }, '--lines: expected a number, found "all"'],
])('a word for a number is told as it was typed: %j', (args, read, expected) => {
  expect(() => refuseNoNumber(args, read)).toThrow(expected);
});

test('numbers are left alone', () => {
  expect(() => refuseNoNumber(['--seed', '1'], { seed: 1, times: 2, scenario: ['x'] })).not.toThrow();
});

test('standard input is refused, for pgquake alone', () => {
  expect(() => refuseStandardInput(['-'])).toThrow('does not read standard input');
  expect(() => refuseStandardInput(['connect', '--', '-f', '-'])).not.toThrow();
  expect(() => refuseStandardInput(['one-worker', '--seed', '1'])).not.toThrow();
});

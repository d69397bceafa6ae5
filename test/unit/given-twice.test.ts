import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refuseGivenTwice } from '../../src/cli/given-twice.ts';
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

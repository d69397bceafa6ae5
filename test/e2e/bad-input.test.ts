/** Bad input and machines that cannot do it, on the command line: nothing is started, and what to do is said. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => {
  place[Symbol.dispose]();
});

describe('bad input starts nothing', () => {
  test.each([
    ['an unknown scenario', ['one-wroker'], 3, /did you mean.*one-worker/s],
    ['an unknown option', ['one-worker', '--sed', '1'], 3, /no option --sed; did you mean --seed\?/],
    ['an option without its value', ['one-worker', '--seed'], 3, /--seed: expected a value, found none/],
    [
      'a value that is none of the choices',
      ['one-worker', '--output', 'xml'],
      3,
      /--output: expected one of text, json/,
    ],
    ['a command with a slip', ['replya'], 3, /did you mean the command "replay"\?/],
    [
      'a name beside --all',
      ['--all', 'one-worker'],
      3,
      /--all and scenario names exclude each other; found one-worker/,
    ],
    ['an option given twice', ['one-worker', '--seed', '1', '--seed', '1'], 3, /--seed is given twice/],
    ['standard input', ['-'], 3, /does not read standard input/],
    ['a word for a number', ['one-worker', '--seed', 'abc'], 3, /--seed: expected a number, found "abc"/],
    ['an impossible seed', ['one-worker', '--seed', '-1'], 3, /--seed: expected a whole number/],
    ['no scenario', [], 3, /no scenario named/],
  ] as const)('%s', async (_name, args, expected, message) => {
    const { code, stderr } = await place.run([...args]);
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
    expect(existsSync(place.reports)).toBe(false);
    expect(place.leftovers()).toEqual([]);
  });

  test('every error of a scenario at once, with its place', async () => {
    const file = place.scenario(
      'broken',
      `name: broken
sumary: misspelt
cluster: { workers: 2, replication: 3 }
faults:
  - { fault: node-stop, target: worker9, at: 0s, for: 8 sec }
hypothesis:
  - { check: messages-readable }
`,
    );
    const { code, stderr } = await place.run([file]);
    expect(code).toBe(3);
    for (const line of [
      /broken\.yaml:2:1 .*summary/,
      /broken\.yaml:3:\d+ .*replication/,
      /broken\.yaml:5:\d+ .*worker9/,
      /broken\.yaml:5:\d+ .*"8 sec"/,
    ]) {
      expect(stderr).toMatch(line);
    }
    expect(existsSync(place.reports)).toBe(false);
  });
});

describe('a machine that cannot do it', () => {
  test('a reports folder that is a file: exit 4 and what to do', async () => {
    const { code, stderr } = await place.start([
      'control',
      '--platform',
      'local',
      '--reports',
      place.scenario('file', ''),
    ]).ended;
    expect(code).toBe(4);
    expect(stderr).toMatch(/--reports/);
    expect(place.leftovers()).toEqual([]);
  });

  test('missing binaries: exit 4 and what to do', async () => {
    const { code, stderr } = await place.run(['control'], { PGQUAKE_POSTGRES_BIN: join(place.folder, 'nowhere') });
    expect(code).toBe(4);
    expect(stderr).toMatch(/PGQUAKE_POSTGRES_BIN/);
  });

  test('a temporary folder that cannot be used: exit 4 and what to do', async () => {
    const { code, stderr } = await place.run(['control'], { TMPDIR: place.scenario('not-a-folder', '') });
    expect(code).toBe(4);
    expect(stderr).toMatch(/TMPDIR/);
  });
});

test('judging what is no run is refused with its place, and never passes', async () => {
  const { code, stderr } = await place.start(['judge', place.folder]).ended;
  expect(code).toBe(3);
  expect(stderr).toMatch(/cannot read the run \S+: there is no run\.json/);
});

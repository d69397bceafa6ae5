import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { InputError } from '../../src/model/errors.ts';
import { keyOf, listKnown } from '../../src/scenario/known.ts';
import { listScenarios, loadScenario } from '../../src/scenario/load.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';

let folder: string;
let mine: string;
let shipped: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-scenarios-'));
  [mine, shipped] = [join(folder, 'mine'), join(folder, 'shipped')];
  mkdirSync(mine);
  mkdirSync(shipped);
  write(mine, 'both', 'Mine.');
  write(shipped, 'both', 'Shipped.');
  write(shipped, 'one-worker', 'One worker.');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(where: string, name: string, summary: string): void {
  writeFileSync(
    join(where, `${name}.yaml`),
    `name: ${name}\nsummary: ${summary}\nhypothesis: [{ check: no-lost-writes }]\n`,
  );
}

const sources = () => ({ vocabulary, folders: [mine, join(folder, 'nowhere'), shipped] });

describe('loadScenario', () => {
  test('finds a name in the first folder that has it', async () => {
    expect(await loadScenario('both', sources())).toMatchObject({ summary: 'Mine.', file: join(mine, 'both.yaml') });
    expect(await loadScenario('one-worker', sources())).toMatchObject({ summary: 'One worker.' });
  });

  test('takes any path', async () => {
    expect(await loadScenario(join(shipped, 'both.yaml'), sources())).toMatchObject({ summary: 'Shipped.' });
  });

  test('an unknown name gets the nearest name and the list', async () => {
    const failing = loadScenario('one-wroker', sources());
    await expect(failing).rejects.toThrow('there is no scenario "one-wroker"; did you mean "one-worker"?');
    await expect(failing).rejects.toMatchObject({
      code: 'scenario-unknown',
      hint: '"pgquake list" shows all scenarios, with those of suites; or give a path, such as ./mine.yaml',
    });
    await expect(failing).rejects.toBeInstanceOf(InputError);
    await expect(loadScenario('xyzzy', sources())).rejects.toMatchObject({
      message: 'there is no scenario "xyzzy"',
      hint: '"pgquake list" shows all scenarios, with those of suites; or give a path, such as ./mine.yaml',
    });
    await expect(loadScenario('else', { vocabulary, folders: [] })).rejects.toThrow(/^there is no scenario "else"$/);
  });

  test.each([
    ['./nowhere.yaml', 'there is no such file'],
    ['/dev/zero', 'not a regular file; save the scenario to a file first, because a run keeps its path'],
  ])('a path that cannot be read: %s', async (path, reason) => {
    await expect(loadScenario(path, sources())).rejects.toMatchObject({
      code: 'scenario-unreadable',
      message: `cannot read the scenario ${path}: ${reason}`,
    });
  });

  test('a folder and a huge file are refused', async () => {
    await expect(loadScenario(`${mine}/`, sources())).rejects.toMatchObject({
      message: `${mine}/ is a folder; expected a scenario file`,
      hint: `name a file in it, such as ${mine}/mine.yaml; "pgquake --suite ${mine}/" runs all scenarios in it`,
    });
    writeFileSync(join(mine, 'huge.yaml'), ' '.repeat(1_000_001));
    await expect(loadScenario('huge', sources())).rejects.toThrow('it has 1000001 bytes; the limit is 1000000');
  });

  test('problems carry the path of the file', async () => {
    writeFileSync(join(mine, 'broken.yaml'), 'name: Other\nsummary: Broken.\nhypothesis: []\n');
    const failing = loadScenario('broken', sources());
    await expect(failing).rejects.toBeInstanceOf(ScenarioError);
    await expect(failing).rejects.toThrow(`${join(mine, 'broken.yaml')}:1:7 name: expected a name`);
  });

  test('invalid UTF-8 is refused with its line, and never replaced', async () => {
    writeFileSync(join(mine, 'latin.yaml'), Buffer.from('name: latin\nsummary: caf\xe9\n', 'latin1'));
    await expect(loadScenario('latin', sources())).rejects.toThrow('line 2 is not valid UTF-8; save the file as UTF-8');
  });
});

describe('listScenarios', () => {
  test('lists each name once, sorted, and marks invalid scenarios', async () => {
    writeFileSync(join(mine, 'a-broken.yaml'), 'name: 5\n');
    writeFileSync(join(mine, 'notes.txt'), 'no scenario');
    expect(await listScenarios(sources())).toEqual([
      {
        name: 'a-broken',
        file: join(mine, 'a-broken.yaml'),
        summary: `not valid: "pgquake validate ${join(mine, 'a-broken.yaml')}" says why`,
      },
      { name: 'both', file: join(mine, 'both.yaml'), summary: 'Mine.' },
      { name: 'one-worker', file: join(shipped, 'one-worker.yaml'), summary: 'One worker.' },
    ]);
  });
});

describe('scenarios that the build knows', () => {
  const known = (text: string) => new Map([[keyOf('one-worker.yaml', text), { summary: 'Known.' }]]);
  const text = () => readFileSync(join(shipped, 'one-worker.yaml'), 'utf8');
  const summaries = async (of: ReturnType<typeof known>) =>
    Object.fromEntries((await listScenarios(sources(), of)).map(({ name, summary }) => [name, summary]));

  test('are recognised by name and whole text; all others are parsed', async () => {
    expect(await summaries(known(text()))).toEqual({ both: 'Mine.', 'one-worker': 'Known.' });
    expect(await summaries(known(`${text()} `))).toEqual({ both: 'Mine.', 'one-worker': 'One worker.' });
    const copied = join(mine, 'copy.yaml');
    writeFileSync(copied, text());
    expect(await summaries(known(text()))).toMatchObject({ copy: 'One worker.' });
  });

  test('are listed without parsing only if there are no others', async () => {
    expect(await listKnown(sources().folders, known(text()))).toBeUndefined();
    expect(await listKnown([shipped], known(text()))).toBeUndefined();
    rmSync(join(shipped, 'both.yaml'));
    expect(await listKnown([shipped], known(text()))).toEqual([
      { name: 'one-worker', file: join(shipped, 'one-worker.yaml'), summary: 'Known.' },
    ]);
  });
});

describe('a scenario of a suite', () => {
  test('is found as suite/name, listed last, and never confused with a path', async () => {
    const suite = join(shipped, 'suite');
    mkdirSync(suite);
    write(suite, 'inner', 'Inner.');
    try {
      expect(await loadScenario('suite/inner', sources())).toMatchObject({ summary: 'Inner.', name: 'inner' });
      expect((await listScenarios(sources())).at(-1)).toEqual({
        name: 'suite/inner',
        suite: 'suite',
        file: join(suite, 'inner.yaml'),
        summary: 'Inner.',
      });
      await expect(loadScenario('suite/outer', sources())).rejects.toThrow('there is no scenario "suite/outer"');
      await expect(loadScenario('suite/innr', sources())).rejects.toThrow('did you mean "suite/inner"?');
      await expect(loadScenario('inner', sources())).rejects.toThrow('did you mean "suite/inner"?');
      // Before a similar one.
      write(mine, 'inne', 'Like it.');
      await expect(loadScenario('inner', sources())).rejects.toThrow('did you mean "suite/inner"?');
      await expect(loadScenario('nosuch/inner', sources())).rejects.toThrow('cannot read the scenario nosuch/inner');
      await expect(loadScenario('suite', sources())).rejects.toMatchObject({
        hint: 'suite is a suite: "pgquake --suite suite" runs all scenarios in it',
      });
    } finally {
      rmSync(suite, { recursive: true });
    }
  });
});

/** `pgquake validate`, as a person runs it: what it refuses, and with what help. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, Workplace } from '../support/cli.ts';

const HINT = 'docs/scenario.md explains every key';
const scenario = (name: string, ...lines: readonly string[]) =>
  [`name: ${name}`, 'summary: Some.', ...lines, ''].join('\n');

let place: Workplace;

beforeAll(() => {
  place = new Workplace();
  place.scenario('sound', scenario('sound', 'faults: []', 'hypothesis: [{ check: no-lost-writes }]'));
  place.scenario('misspelt', scenario('misspelt', 'fualts: []', 'hypothesis: [{ check: no-lost-writes }]'));
  const cut = 'faults: [{ fault: network-drop, target: worker1, for: 3s }]';
  place.scenario('hopeless', scenario('hopeless', cut, 'hypothesis: [{ check: prediction }]'));
});

afterAll(() => {
  place[Symbol.dispose]();
});

const pgquake = (...args: readonly string[]): Promise<Ended> => place.start(args).ended;
const CANNOT =
  /hopeless\.yaml:4:23 hypothesis\[0\]\.check: prediction can never be judged here: .*network-drop leaves them up/;

describe('validate', () => {
  test('a scenario that is wrong: the same words and the same hint as a run', async () => {
    const [validated, run] = await Promise.all([pgquake('validate', 'misspelt.yaml'), pgquake('misspelt.yaml')]);
    expect(validated.stderr).toContain(HINT);
    expect(validated).toMatchObject({ code: 3, stdout: '', stderr: run.stderr });
  });

  test('several: each with its lines, sound ones as such, and every hint once', async () => {
    const { code, stdout, stderr } = await pgquake(
      'validate',
      'misspelt.yaml',
      'sound.yaml',
      'hopeless.yaml',
      'away.yaml',
    );
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'sound.yaml: ok\n' });
    expect(stderr).toMatch(/misspelt\.yaml:3:1 unknown key "fualts"/);
    expect(stderr).toMatch(CANNOT);
    expect(stderr).toContain('cannot read the scenario away.yaml');
    expect(stderr.split(HINT)).toHaveLength(2);
    expect(stderr).toContain('pgquake list shows them');
  });

  test('a suite that is wrong has the hint too', async () => {
    const { code, stderr } = await pgquake('--suite', '.');
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(HINT) });
  });
});

describe('a check that no run could judge', () => {
  test('is refused by validate, with a hint', async () => {
    const { code, stderr } = await pgquake('validate', 'hopeless.yaml');
    expect(code).toBe(3);
    expect(stderr).toMatch(CANNOT);
    expect(stderr).toContain(HINT);
  });

  test('is a warning beside the plan of a run', async () => {
    const { code, stdout, stderr } = await pgquake(
      'plan',
      'hopeless.yaml',
      '--platform',
      'local',
      '--engine',
      'native',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(CANNOT) });
    expect(stderr).toMatch(/^warning .*; it will be unknown$/m);
    expect(stdout).toMatch(/network-drop/);
  });
});

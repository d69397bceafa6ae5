/** `pgquake validate` and its neighbours, as people and programs run them: what they tell, and what is refused with what help. */

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
  // Every user can do this; a fault on packets needs rights.
  const full = 'faults: [{ fault: connections-exhaust, target: worker1, for: 3s }]';
  place.scenario('hopeless', scenario('hopeless', full, 'hypothesis: [{ check: prediction }]'));
});

afterAll(() => {
  place[Symbol.dispose]();
});

const pgquake = (...args: readonly string[]): Promise<Ended> => place.start(args).ended;
const CANNOT =
  /hopeless\.yaml:4:23 hypothesis\[0\]\.check: prediction can never be judged here: .*connections-exhaust leaves them up/;

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
    expect(stderr).toContain('list" shows them');
  });

  test('as JSON: every scenario with its problems and their places, and the same exit code', async () => {
    const { code, stdout } = await pgquake('validate', 'sound.yaml', 'misspelt.yaml', '--output', 'json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual([
      { scenario: 'sound.yaml', valid: true, file: 'sound.yaml' },
      {
        scenario: 'misspelt.yaml',
        valid: false,
        problems: [
          {
            place: { file: 'misspelt.yaml', line: 3, column: 1 },
            path: '',
            message: 'unknown key "fualts"; did you mean "faults"?',
          },
        ],
      },
    ]);
  });

  test('a path counts from where npm was called, where it leads nowhere from the package', async () => {
    const elsewhere = new Workplace();
    const { code, stdout } = await elsewhere.start(['validate', 'sound.yaml'], { INIT_CWD: place.folder }).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/sound\.yaml: ok\n$/) });
    elsewhere[Symbol.dispose]();
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
    expect(stdout).toMatch(/connections-exhaust/);
  });
});

describe('what is there, as JSON', () => {
  test('list: every scenario with its file', async () => {
    const { code, stdout } = await pgquake('list', '--output', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toContainEqual({
      name: 'one-worker',
      file: expect.stringMatching(/scenarios\/one-worker\.yaml$/),
      summary: 'One worker stops; every message stays readable.',
      tags: ['sharded'],
    });
  });

  test('plan: the platform, the engine and every act', async () => {
    const { code, stdout } = await pgquake('plan', 'one-worker', '--platform', 'local', '--output', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      platform: 'local',
      engine: 'native',
      plan: { acts: [{ fault: 'node-stop', targets: ['worker1'], atMs: 0, forMs: 8_000 }] },
    });
  });

  test('doctor: every platform with what it can strike with, as the text has it', async () => {
    const [json, text] = await Promise.all([pgquake('doctor', '--output', 'json'), pgquake('doctor')]);
    const findings = JSON.parse(json.stdout) as { platform: string; faults: { fault: string; missing?: string }[] }[];
    expect(json.code).toBe(text.code);
    const local = findings.find(({ platform }) => platform === 'local');
    expect(local?.faults).toContainEqual({ fault: 'node-stop' });
    expect(local?.faults).toContainEqual({
      fault: 'cpu-throttle',
      missing: 'not possible on this platform (resource-limits)',
    });
    expect(text.stdout).toMatch(
      /cannot strike with {2}cpu-throttle, memory-limit: not possible on this platform \(resource-limits\)/,
    );
  });
});

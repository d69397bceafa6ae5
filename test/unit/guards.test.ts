/** What keeps a run within bounds: in the scenario, in the plan, and while it runs. */

import { describe, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { EnvironmentError, InputError } from '../../src/model/errors.ts';
import type { Outcome } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { pgquake } from '../../src/pgquake.ts';
import { DeadMansSwitch, limitOf, ServiceGuard } from '../../src/run/guards.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ScenarioError } from '../../src/scenario/problems.ts';

function scenario(more: string) {
  const text = `name: some\nsummary: Some.\nhypothesis: [{ check: no-lost-writes }]\n${more}\n`;
  return parseScenario(text, 'some.yaml', vocabulary);
}

function problems(more: string): string[] {
  try {
    scenario(more);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('in a scenario', () => {
  test('are read with their units', () => {
    const { guards } = scenario(
      'guards: { max-down: 2, limit: 10m, abort-when: [{ of: write, below: 50% }, { of: read, below: 5%, for: 2s }] }',
    );
    expect(guards).toEqual({
      maxDown: 2,
      limitMs: 600_000,
      abortWhen: [
        { of: 'write', below: 0.5, forMs: 5_000 },
        { of: 'read', below: 0.05, forMs: 2_000 },
      ],
      place: { file: 'some.yaml', line: 4, column: 9 },
    });
    expect(scenario('').guards).toBeUndefined();
  });

  test.each([
    ['max-down: -1', 'some.yaml:4:21 guards.max-down: expected at least 0, found -1'],
    ['max-down: many', 'some.yaml:4:21 guards.max-down: expected a number, found "many"'],
    ['limit: 0s', 'some.yaml:4:18 guards.limit: expected a duration from 1ms to 24h, found "0s"'],
    ['max-dwn: 1', 'some.yaml:4:11 guards: unknown key "max-dwn"; did you mean "max-down"?'],
    [
      'abort-when: [{ of: wirte, below: 50% }]',
      'some.yaml:4:30 guards.abort-when[0].of: the workload has no operations "wirte"; did you mean "write"?',
    ],
    [
      'abort-when: [{ of: write, below: 150% }]',
      'some.yaml:4:44 guards.abort-when[0].below: expected a share from 0% to 100% such as 99% or 99.9%, found "150%"',
    ],
  ])('%s', (written, problem) => {
    expect(problems(`guards: { ${written} }`)).toEqual([problem]);
  });
});

describe('in a plan', () => {
  const faults = `faults:
  - { fault: node-stop, target: worker1, for: 2s }
  - { fault: lock-table, target: { role: worker, pick: 1 }, at: 1s, for: 2s }
  - { fault: node-kill, target: worker1, at: 10s, for: 2s }`;

  test('more nodes at one time than allowed are refused, whatever befalls them', () => {
    const refusal = () => pgquake().plan(scenario(`guards: { max-down: 1 }\n${faults}`), { seed: 1 });
    expect(refusal).toThrow(InputError);
    expect(refusal).toThrow(
      /^some\.yaml:4:9 guards\.max-down: at most 1 may be struck at one time, and worker1, worker\d would be$/,
    );
  });

  test('as many as allowed are planned, also one after the other', () => {
    expect(pgquake().plan(scenario(`guards: { max-down: 2 }\n${faults}`), { seed: 1 }).acts).toHaveLength(3);
    const rolling = 'faults: [{ fault: rolling-restart, target: [worker1, worker2], between: 1s }]';
    expect(pgquake().plan(scenario(`guards: { max-down: 1 }\n${rolling}`), { seed: 1 }).acts).toHaveLength(2);
  });
});

describe('the service', () => {
  /** One write every 10 ms. */
  function writes(fromMs: number, count: number, outcome: Outcome): OperationTable {
    const table = new OperationTable(['write']);
    for (let i = 0; i < count; i++) {
      const at = fromMs + i * 10;
      table.add({ id: i + 1, kind: 'write', intendedAt: at, sentAt: at, settledAt: at + 1, outcome });
    }
    return table;
  }

  test('is no steady state where many operations fail; a few say nothing', () => {
    const guard = new ServiceGuard([], 10_000);
    guard.operations(writes(0, 10, 'fail'));
    expect(guard.unsteady()).toBeUndefined();
    guard.operations(writes(100, 30, 'ok'));
    expect(guard.unsteady()).toBe('write: 30 of 40 ok');
    guard.operations(writes(400, 90, 'ok'));
    expect(guard.unsteady()).toBeUndefined();
  });

  test("what the client did not send is not the cluster's fault", () => {
    const guard = new ServiceGuard([], 10_000);
    guard.operations(writes(0, 100, 'unsent'));
    expect(guard.unsteady()).toBeUndefined();
  });

  test('trips a condition once it has been bad for its whole time, and not before', () => {
    const guard = new ServiceGuard([{ of: 'write', below: 0.5, forMs: 1_000 }], 1_000);
    guard.operations(writes(0, 100, 'ok'));
    expect(guard.tripped(1_000, 0)).toBeUndefined();
    guard.operations(writes(1_000, 40, 'fail'));
    expect(guard.tripped(1_400, 0)).toBeUndefined();
    guard.operations(writes(1_400, 30, 'fail'));
    expect(guard.tripped(1_700, 0)).toBe('write: 30 of 100 ok within 1 s, less than 50 %');
    expect(guard.tripped(1_700, 1_000)).toBeUndefined();
  });

  test('of another kind, or none at all, trips nothing', () => {
    const guard = new ServiceGuard([{ of: 'read', below: 0.5, forMs: 100 }], 1_000);
    guard.operations(writes(0, 100, 'fail'));
    expect(guard.tripped(1_000, 0)).toBeUndefined();
  });
});

describe('the time', () => {
  test('has a limit without a word in the scenario, and another with one', () => {
    expect(limitOf(undefined, 10_000)).toBe(10_000 + 15 * 60_000);
    expect(limitOf(scenario('guards: { limit: 90s }').guards, 10_000)).toBe(90_000);
  });

  test('ends the run when it is over', async () => {
    using limited = new DeadMansSwitch(new AbortController().signal, 20);
    await new Promise((resolve) => limited.signal.addEventListener('abort', resolve));
    expect(limited.signal.reason).toBeInstanceOf(EnvironmentError);
    expect(limited.signal.reason).toMatchObject({ code: 'run-limit', message: 'the run took more than 20 ms' });
  });

  test('an interruption from outside comes through, with its reason', () => {
    const outer = new AbortController();
    using limited = new DeadMansSwitch(outer.signal, 60_000);
    expect(limited.signal.aborted).toBe(false);
    outer.abort('enough');
    expect(limited.signal.reason).toBe('enough');
  });
});

/** The guards of a run: in the scenario, in the plan, and during the run. */

import { describe, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { EnvironmentError, InputError } from '../../src/model/errors.ts';
import type { Outcome } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { pgquake } from '../../src/pgquake.ts';
import { limitOf, RunLimit, ServiceGuard } from '../../src/run/guards.ts';
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
      'some.yaml:4:44 guards.abort-when[0].below: expected a percentage with %, from 0% to 100%, such as 99% or 99.9%, found "150%"',
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

  test('a plan that strikes too many nodes at once is refused, whatever the faults', () => {
    const refusal = () => pgquake().plan(scenario(`guards: { max-down: 1 }\n${faults}`), { seed: 1 });
    expect(refusal).toThrow(InputError);
    expect(refusal).toThrow(
      /^some\.yaml:4:9 guards\.max-down: at most 1 may be struck at once, but worker1, worker\d would be$/,
    );
  });

  test('a plan may strike the allowed number of nodes at once, repeatedly', () => {
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

  /** The thread has reported everything up to this moment, and these operations are open. */
  function reported(guard: ServiceGuard, at: number, intendedAt: Record<string, number[]> = {}): void {
    guard.open({ at, intendedAt });
  }

  test('is not steady if more than one operation in ten fails', () => {
    const guard = new ServiceGuard([], 10_000);
    guard.operations(writes(0, 10, 'fail'));
    guard.operations(writes(100, 30, 'ok'));
    reported(guard, 10_000);
    expect(guard.unsteady(10_000)).toBe('write: 30 of 40 ok');
    guard.operations(writes(400, 90, 'ok'));
    expect(guard.unsteady(10_000)).toBeUndefined();
  });

  test('is not steady if one of two scans failed: every kind counts', () => {
    const guard = new ServiceGuard([], 2_000);
    const scans = new OperationTable(['scan']);
    for (const [id, outcome] of [
      [1, 'ok'],
      [2, 'fail'],
    ] as const) {
      scans.add({ id, kind: 'scan', intendedAt: id * 500, sentAt: id * 500, settledAt: id * 500 + 30, outcome });
    }
    guard.operations(scans);
    guard.operations(writes(0, 200, 'ok'));
    reported(guard, 2_000);
    expect(guard.unsteady(2_000)).toBe('scan: 1 of 2 ok');
  });

  test('is not steady if 122 of 200 writes succeeded, even if the client did not send the others', () => {
    const guard = new ServiceGuard([], 2_000);
    guard.operations(writes(0, 122, 'ok'));
    guard.operations(writes(1_220, 78, 'unsent'));
    reported(guard, 2_000);
    expect(guard.unsteady(2_000)).toBe('write: 122 of 200 ok, 78 not sent because the client had no free connection');
  });

  test('is not steady if due operations have no answer', () => {
    const guard = new ServiceGuard([], 2_000);
    guard.operations(writes(0, 10, 'ok'));
    const waiting = Array.from({ length: 190 }, (_, i) => 100 + i * 10);
    reported(guard, 2_000, { write: waiting, read: [1_500] });
    expect(guard.settledUntil(2_000)).toBe(false);
    expect(guard.unsteady(2_000)).toBe('write: 10 of 200 ok, 190 unanswered');
  });

  test('is not steady if it broke down in its last second', () => {
    const guard = new ServiceGuard([], 20_000);
    guard.operations(writes(0, 1_970, 'ok'));
    guard.operations(writes(19_700, 30, 'fail'));
    reported(guard, 20_000);
    expect(guard.unsteady(20_000)).toBe('write: 70 of 100 ok in its last 1 s');
  });

  test('is not steady if the load thread has stopped reporting', () => {
    const guard = new ServiceGuard([], 2_000);
    guard.operations(writes(0, 100, 'ok'));
    reported(guard, 1_000);
    expect(guard.settledUntil(2_000)).toBe(false);
    expect(guard.unsteady(2_000)).toMatch(/thread of the load has not reported/);
  });

  test('has settled once all operations due by then have', () => {
    const guard = new ServiceGuard([], 2_000);
    reported(guard, 2_050, { read: [2_010] });
    expect(guard.settledUntil(2_000)).toBe(true);
    expect(guard.settledUntil(2_020)).toBe(false);
  });

  test('unanswered operations trip a condition before their deadlines', () => {
    const guard = new ServiceGuard([{ of: 'write', below: 0.5, forMs: 1_000 }], 1_000);
    guard.operations(writes(0, 100, 'ok'));
    const waiting = Array.from({ length: 100 }, (_, i) => 1_000 + i * 10);
    reported(guard, 1_400, { write: waiting.slice(0, 40) });
    expect(guard.tripped(1_400, 0)).toBeUndefined();
    reported(guard, 1_700, { write: waiting.slice(0, 70) });
    expect(guard.tripped(1_700, 0)).toBe('write: 30 of 100 ok within 1 s, less than 50 %, 70 unanswered');
  });

  test('operations that take their usual time trip no condition', () => {
    const guard = new ServiceGuard([{ of: 'write', below: 0.5, forMs: 1_000 }], 1_000);
    const slow = new OperationTable(['write']);
    slow.add({ id: 1, kind: 'write', intendedAt: 0, sentAt: 0, settledAt: 300, outcome: 'ok' });
    guard.operations(slow);
    reported(guard, 2_000, { write: [1_800] });
    expect(guard.tripped(2_000, 0)).toBeUndefined();
  });

  test('trips a condition once it has been bad for the whole time', () => {
    const guard = new ServiceGuard([{ of: 'write', below: 0.5, forMs: 1_000 }], 1_000);
    guard.operations(writes(0, 100, 'ok'));
    expect(guard.tripped(1_000, 0)).toBeUndefined();
    guard.operations(writes(1_000, 40, 'fail'));
    expect(guard.tripped(1_400, 0)).toBeUndefined();
    guard.operations(writes(1_400, 30, 'fail'));
    expect(guard.tripped(1_700, 0)).toBe('write: 30 of 100 ok within 1 s, less than 50 %');
    expect(guard.tripped(1_700, 1_000)).toBeUndefined();
  });

  test('other kinds of operation, or none, trip no condition', () => {
    const guard = new ServiceGuard([{ of: 'read', below: 0.5, forMs: 100 }], 1_000);
    guard.operations(writes(0, 100, 'fail'));
    expect(guard.tripped(1_000, 0)).toBeUndefined();
  });
});

describe('the time', () => {
  test('is limited by default, or by the scenario', () => {
    expect(limitOf(undefined, 10_000)).toBe(10_000 + 15 * 60_000);
    expect(limitOf(scenario('guards: { limit: 90s }').guards, 10_000)).toBe(90_000);
  });

  test('ends the run at the limit', async () => {
    using limited = new RunLimit(new AbortController().signal, 20);
    await new Promise((resolve) => limited.signal.addEventListener('abort', resolve));
    expect(limited.signal.reason).toBeInstanceOf(EnvironmentError);
    expect(limited.signal.reason).toMatchObject({ code: 'run-limit', message: 'the run took more than 20 ms' });
  });

  test('an outer abort passes through with its reason', () => {
    const outer = new AbortController();
    using limited = new RunLimit(outer.signal, 60_000);
    expect(limited.signal.aborted).toBe(false);
    outer.abort('enough');
    expect(limited.signal.reason).toBe('enough');
  });
});

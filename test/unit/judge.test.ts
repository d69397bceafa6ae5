import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { shipped } from '../../src/catalog.ts';
import type { Check } from '../../src/checks/check.ts';
import { judge } from '../../src/judge.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { Operation } from '../../src/model/history.ts';
import type { HypothesisItem } from '../../src/model/scenario.ts';
import type { Judgement } from '../../src/model/verdict.ts';
import { buildHistory, changing, REFUSED, timesOf } from '../support/history-builder.ts';

function answers(name: string, judgement: Judgement, always?: boolean): Check {
  return {
    name,
    summary: '',
    params: z.strictObject({ limit: z.number().default(7) }),
    ...(always === undefined ? {} : { always }),
    check: (_, { limit }) => ({ judgement, expected: 'x', observed: `limit ${limit}`, evidence: [] }),
  };
}

function item(check: string): HypothesisItem {
  return { check, params: { limit: 3 }, written: { limit: '3' }, place: { file: 'a.yaml', line: 12, column: 5 } };
}

const history = buildHistory();

describe('judge', () => {
  test('the hypothesis comes first, in its order, then the checks of every run with their defaults', () => {
    const checks = [
      answers('always', 'pass', true),
      answers('unused', 'fail'),
      answers('b', 'pass'),
      answers('a', 'pass'),
    ];
    expect(judge(history, [item('b'), item('a')], checks)).toEqual({
      judgement: 'pass',
      results: [
        { check: 'b', params: { limit: '3' }, always: false, place: 'a.yaml:12', ...found('pass', 3) },
        { check: 'a', params: { limit: '3' }, always: false, place: 'a.yaml:12', ...found('pass', 3) },
        { check: 'always', params: {}, always: true, ...found('pass', 7) },
      ],
    });
  });

  const found = (judgement: Judgement, limit: number) => ({
    judgement,
    expected: 'x',
    observed: `limit ${limit}`,
    evidence: [],
  });

  test('a check that no run could judge is not made, and the result says why', () => {
    const place = { file: 'a.yaml', line: 12, column: 14 };
    const hopeless = { ...item('one'), hopeless: { reason: 'nothing goes down', place } };
    expect(judge(history, [hopeless], [answers('one', 'pass')])).toMatchObject({
      judgement: 'unknown',
      results: [{ check: 'one', observed: 'can never be judged here: nothing goes down' }],
    });
  });

  test.each([
    [['pass', 'pass'], 'pass'],
    [['pass', 'unknown'], 'unknown'],
    [['unknown', 'fail'], 'fail'],
    [['pass', 'fail'], 'fail'],
  ] as const)('of %j the worst wins', ([one, two], expected) => {
    expect(judge(history, [item('one')], [answers('one', one), answers('two', two, true)]).judgement).toBe(expected);
  });

  describe('where the load did not keep its own schedule', () => {
    const excuse = { excuses: 'the load did not keep its own schedule' };
    const late = { ...answers('load-kept-its-schedule', 'unknown', true), ...excuse };

    test('a failure that depends on the schedule is not held against the cluster', () => {
      const check = { ...answers('availability', 'fail'), needsKeptSchedule: 'whole-run' } as const;
      const { judgement, results } = judge(history, [item('availability')], [check, late]);
      expect(judgement).toBe('unknown');
      expect(results[0]).toMatchObject({
        judgement: 'unknown',
        observed: 'limit 3; not held against the cluster, because the load did not keep its own schedule',
      });
    });

    test('any check that declares so excuses failures', () => {
      const check = { ...answers('availability', 'fail'), needsKeptSchedule: 'whole-run' } as const;
      const starved = { ...answers('any-name', 'unknown', true), excuses: 'the machine was starved' };
      expect(judge(history, [item('availability')], [check, starved]).results[0]?.observed).toBe(
        'limit 3; not held against the cluster, because the machine was starved',
      );
      const silent = answers('any-name', 'unknown', true);
      expect(judge(history, [item('availability')], [check, silent]).judgement).toBe('fail');
    });

    test('a passing check may excuse failures too, and alone does not make the run unknown', () => {
      const check = { ...answers('availability', 'fail'), needsKeptSchedule: 'whole-run' } as const;
      const kept: Check = {
        ...answers('any-name', 'pass', true),
        excuses: 'the machine was starved',
        check: () => ({
          judgement: 'pass',
          excuses: [{ fromMs: 2_000, toMs: 4_000 }],
          expected: '',
          observed: '',
          evidence: [],
        }),
      };
      expect(judge(history, [item('availability')], [check, kept]).results[0]).toMatchObject({
        judgement: 'unknown',
        observed: 'limit 3; not held against the cluster, because the machine was starved',
      });
      const passes = { ...answers('availability', 'pass'), needsKeptSchedule: 'whole-run' } as const;
      expect(judge(history, [item('availability')], [passes, kept]).judgement).toBe('pass');
    });

    test('a failure that depends on the data is', () => {
      expect(judge(history, [item('lost')], [answers('lost', 'fail'), late]).judgement).toBe('fail');
    });

    test('with a kept schedule, a failure is a failure', () => {
      const kept = { ...answers('load-kept-its-schedule', 'pass', true), ...excuse };
      const check = { ...answers('availability', 'fail'), needsKeptSchedule: 'whole-run' } as const;
      expect(judge(history, [item('availability')], [check, kept]).judgement).toBe('fail');
    });
  });

  describe('where nothing was put to the test, nothing fails', () => {
    const unstruck = {
      ...answers('any-name', 'unknown', true),
      voids: 'not every planned fault took effect',
    };

    test('because a fault did not take effect', () => {
      const { judgement, results } = judge(history, [item('lost')], [answers('lost', 'fail'), unstruck]);
      expect(judgement).toBe('unknown');
      expect(results[0]).toMatchObject({
        judgement: 'unknown',
        observed: 'limit 3; not held against the cluster, because not every planned fault took effect',
      });
    });

    test('the shipped checks declare it', () => {
      const failed = buildHistory({
        events: changing('fault-in-effect', () => undefined),
        finalKeys: ({ coordinator, placements }) => {
          for (const keys of [coordinator, ...placements.values()]) keys.delete('1:5');
        },
      });
      const lost = { check: 'no-lost-writes', params: {}, written: {}, place: item('a').place };
      const { judgement, results } = judge(failed, [lost], shipped.checks);
      expect(judgement).toBe('unknown');
      expect(results[0]?.observed).toMatch(/1 of \d+ acknowledged writes lost; not held against the cluster/);
    });

    test('because one kind of operation failed before the first fault', () => {
      let scans = 0;
      const bad = buildHistory({
        answer: ({ kind, intendedAt }) =>
          kind === 'scan' && intendedAt < timesOf().askedMs && scans++ % 2 === 0 ? REFUSED : undefined,
      });
      const { judgement, results } = judge(bad, [item('lost')], [answers('lost', 'fail')]);
      expect(judgement).toBe('unknown');
      expect(results.map(({ check, observed }) => [check, observed])).toEqual([
        [
          'lost',
          'limit 3; not held against the cluster, because service was bad before any fault: 10 of 20 scans ok (50 %)',
        ],
        ['steady-state', '10 of 20 scans ok (50 %)'],
      ]);
    });

    test('operations in flight at the first fault do not spoil the steady state, unless they were late already', () => {
      const { askedMs } = timesOf({ steadyMs: 1_000 });
      const struck = (lastMs: number) => {
        const met = ({ kind, intendedAt }: Pick<Operation, 'kind' | 'intendedAt'>) =>
          kind === 'scan' && intendedAt < askedMs
            ? askedMs - intendedAt <= lastMs
              ? { ...REFUSED, settledAt: askedMs + 50 }
              : { settledAt: intendedAt + 200 }
            : undefined;
        return judge(buildHistory({ steadyMs: 1_000, answer: met }), [item('a')], [answers('a', 'pass')]);
      };
      expect(struck(150).judgement).toBe('pass');
      expect(struck(700).results.at(-1)?.observed).toBe('3 of 8 scans ok (37.5 %)');
    });

    test('nor does anything pass', () => {
      const bad = buildHistory({ answer: ({ intendedAt }) => (intendedAt < timesOf().askedMs ? REFUSED : undefined) });
      expect(judge(bad, [item('a')], [answers('a', 'pass')]).judgement).toBe('unknown');
    });

    test('nine in ten are enough', () => {
      let reads = 0;
      const good = buildHistory({
        answer: ({ kind }) => (kind === 'read' && reads++ % 11 === 0 ? REFUSED : undefined),
      });
      expect(judge(good, [item('a')], [answers('a', 'fail')]).judgement).toBe('fail');
    });
  });

  test('the result of an interrupted run says so once', () => {
    const cut = buildHistory({
      events: (events) => [...events, { at: 99_000, type: 'interrupted', reason: 'interrupted by SIGTERM' }],
    });
    expect(judge(cut, [], []).results.at(-1)?.observed).toBe('interrupted by SIGTERM');
  });

  test('a check that every run makes runs once if the hypothesis names it', () => {
    const { results } = judge(history, [item('always')], [answers('always', 'pass', true)]);
    expect(results.map(({ always, observed }) => [always, observed])).toEqual([[false, 'limit 3']]);
  });

  test('a check that throws or does not exist is unknown', () => {
    const throwing = {
      ...answers('throws', 'pass'),
      check: () => {
        throw new Error('no\nway');
      },
    };
    const { judgement, results } = judge(history, [item('throws'), item('missing')], [throwing]);
    expect(judgement).toBe('unknown');
    expect(results).toMatchObject([
      { judgement: 'unknown', observed: 'the check itself failed: no way' },
      { judgement: 'unknown', observed: 'there is no such check' },
    ]);
    expect(results[0]?.evidence[0]).toMatch(/^at /);
  });

  test.each([
    [{ type: 'interrupted', reason: 'Ctrl-C' }, 'interrupted: Ctrl-C'],
    [{ type: 'run-failed', error: 'no port' }, 'the run failed: no port'],
  ] as const)('a run with %j never passes', (event, observed) => {
    const cut = buildHistory({ events: (events) => [...events, { at: 99_000, ...event } as TimedEvent] });
    const passing = judge(cut, [item('a')], [answers('a', 'pass')]);
    expect(passing.judgement).toBe('unknown');
    expect(passing.results.at(-1)).toMatchObject({ check: 'run-completed', judgement: 'unknown', observed });
    expect(judge(cut, [item('a')], [answers('a', 'fail')]).judgement).toBe('fail');
  });

  test('a cut-off history never passes', () => {
    const cut = buildHistory({ events: (events) => events.filter((event) => event.at < 5_000) });
    expect(judge(cut, [item('a')], [answers('a', 'pass')])).toMatchObject({
      judgement: 'unknown',
      results: [{ check: 'a' }, { observed: 'the history ends before the final reads' }],
    });
  });
});

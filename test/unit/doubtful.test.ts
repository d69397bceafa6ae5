/** A machine that is starved for part of a run: failures in that part are excused, others count. */

import { describe, expect, test } from 'vitest';
import { checks } from '../../src/catalog.ts';
import { judge } from '../../src/judge.ts';
import { withoutDoubtful } from '../../src/measure/doubtful.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { History, Operation } from '../../src/model/history.ts';
import type { HypothesisItem } from '../../src/model/scenario.ts';
import { buildHistory, REFUSED, timesOf, within } from '../support/history-builder.ts';

const { effectMs } = timesOf();
const MACHINE = { system: 'Linux 6.8.0 x64', processors: 2, memoryBytes: 8e9, loadAverage: 0.5 };

/** Every operation of the load and every probe is refused in `refused`; in `starved` the machine has no time to spare. */
function seen(refused: readonly [number, number], starved: readonly [number, number]): History {
  const answer = (operation: Operation) => (within(...refused)(operation) ? REFUSED : undefined);
  const history = buildHistory({ answer, probe: answer });
  const isSteady = (event: TimedEvent) => event.type === 'phase-started' && event.phase === 'steady-state';
  const from = history.events.find(isSteady)?.at ?? 0;
  const end = history.events.find(({ type }) => type === 'load-kept')?.at ?? 0;
  const samples = Array.from({ length: Math.ceil((end - from) / 100) }, (_, i): TimedEvent => {
    const at = from + (i + 1) * 100;
    const isStarved = at > starved[0] && at <= starved[1];
    return {
      at,
      type: 'host',
      forMs: 100,
      busy: isStarved ? 1 : 0.3,
      runnable: isStarved ? 9 : 1,
      stolen: 0,
      lateMs: 1,
    };
  });
  const events = [...history.events, ...samples].toSorted((a, b) => a.at - b.at);
  return { ...history, run: { ...history.run, machine: MACHINE }, events };
}

function hypothesis(check: string, params: object): HypothesisItem {
  const known = checks.find(({ name }) => name === check);
  return {
    check,
    params: known?.params.parse(params),
    written: {},
    place: { file: 'x.yaml', line: 1, column: 1 },
  } as HypothesisItem;
}

const ITEMS = [
  hypothesis('outage', { of: 'read', max: '500ms' }),
  hypothesis('availability', { of: 'read', during: 'fault', min: '95%' }),
];

describe('a machine that is starved for 2 s of 9', () => {
  const outageFrom = effectMs + 100;

  test.each([
    // The crowd that a fault's end lets loose keeps the machine busy; the outage was before.
    ['after an outage', [outageFrom, outageFrom + 1_500], [outageFrom + 1_500, outageFrom + 3_500], 'fail'],
    ['during all of it', [outageFrom, outageFrom + 1_500], [outageFrom - 200, outageFrom + 1_800], 'unknown'],
    // A second of four is left: too much for both.
    ['during half of it', [outageFrom, outageFrom + 2_000], [outageFrom + 1_000, outageFrom + 3_000], 'fail'],
  ] as const)('%s', (_, refused, starved, judgement) => {
    const { results } = judge(seen(refused, starved), ITEMS, checks);
    const of = (check: string) => results.find((one) => one.check === check);
    expect(of('host-kept-up')).toMatchObject({ judgement: 'pass', excuses: expect.any(Array) });
    expect([of('outage')?.judgement, of('availability')?.judgement]).toEqual([judgement, judgement]);
    if (judgement === 'unknown') expect(of('outage')?.observed).toContain('because the machine was starved');
  });
});

test('an operation that waited in doubtful time ends earlier by that time; one that failed in it is left out, one that failed before is not', () => {
  const base = { kind: 'read', intendedAt: 1_000, sentAt: 1_000 } as const;
  const operations: Operation[] = [
    { ...base, id: 1, settledAt: 2_500, outcome: 'ok' },
    { ...base, id: 2, intendedAt: 2_100, sentAt: 2_300, settledAt: 2_400, outcome: 'ok' },
    { ...base, id: 3, settledAt: 2_900, outcome: 'fail' },
    { ...base, id: 4, settledAt: 3_200, outcome: 'fail' },
    { ...base, id: 5, intendedAt: 2_100, sentAt: 2_100, settledAt: 9_000, outcome: 'unknown' },
  ];
  const history = { ...buildHistory(), operations: buildHistory({ answer: () => undefined }).operations };
  const log = Object.assign(Object.create(history.operations), {
    [Symbol.iterator]: () => operations[Symbol.iterator](),
  });
  const cleared = withoutDoubtful({ ...history, operations: log }, [{ fromMs: 2_000, toMs: 3_000 }]);
  expect([...cleared.operations].map(({ id, sentAt, settledAt }) => [id, sentAt, settledAt])).toEqual([
    [1, 1_000, 2_000],
    [2, 2_100, 2_100],
    [3, 1_000, 2_900],
    [4, 1_000, 3_200],
  ]);
});

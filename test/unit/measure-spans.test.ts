import { describe, expect, test } from 'vitest';
import { fullEffectOf, fullEffects, spanAt, spansOf } from '../../src/measure/spans.ts';
import { buildHistory, changing, timesOf } from '../support/history-builder.ts';

const times = timesOf();

describe('spans', () => {
  test('follow each other: steady state, fault until the last heal is asked for, settle until the load stops', () => {
    expect(spansOf(buildHistory())).toEqual({
      'steady-state': { fromMs: 1_000, toMs: times.askedMs },
      fault: { fromMs: times.askedMs, toMs: times.healAskedMs },
      settle: { fromMs: times.healAskedMs, toMs: times.loadEndMs },
    });
  });

  test('until a late fault is asked for, it is still the steady state', () => {
    const spans = spansOf(buildHistory({ acts: [{ targets: ['worker1'], atMs: 700, forMs: 1_000 }] }));
    expect(spans['steady-state']).toEqual({ fromMs: 1_000, toMs: times.askedMs + 700 });
    expect(spans.fault).toEqual({ fromMs: times.askedMs + 700, toMs: times.askedMs + 700 + 10 + 1_000 });
  });

  test('without faults the fault span is the fault phase', () => {
    const history = buildHistory({ acts: [] });
    expect(spansOf(history).fault).toEqual({ fromMs: times.askedMs, toMs: times.healedMs });
    expect(fullEffects(history)).toEqual([{ fromMs: times.askedMs, toMs: times.healedMs, nodes: [] }]);
  });

  test('an act that was never asked to heal keeps the fault span open until the phase ends', () => {
    const acts = [{ targets: ['worker1'], forMs: 1_000 }, { targets: ['worker2'] }];
    const history = buildHistory({
      acts,
      events: changing('heal-asked', (event) => (event.act === 1 ? undefined : event)),
    });
    expect(spansOf(history).fault?.toMs).toBe(times.healedMs);
  });

  test('a run that was cut short has the spans that it reached, up to its last event', () => {
    const history = buildHistory({ events: (events) => events.filter((event) => event.at <= times.effectMs) });
    expect(spansOf(history)).toEqual({
      'steady-state': { fromMs: 1_000, toMs: times.askedMs },
      fault: { fromMs: times.askedMs, toMs: times.effectMs },
    });
    expect(spansOf({ events: [] })).toEqual({});
  });

  test('a moment on a border belongs to the later span, one outside to none', () => {
    const spans = spansOf(buildHistory());
    expect(spanAt(spans, times.askedMs)).toBe('fault');
    expect(spanAt(spans, times.askedMs - 0.001)).toBe('steady-state');
    expect(spanAt(spans, times.healAskedMs)).toBe('settle');
    expect(spanAt(spans, 999)).toBeUndefined();
    expect(spanAt(spans, times.loadEndMs + 1)).toBeUndefined();
  });
});

describe('full effect', () => {
  const at = (ms: number) => times.effectMs + ms;

  test('from the last fault in effect to the first one asked to heal', () => {
    const acts = [
      { targets: ['worker1'], forMs: 3_000 },
      { targets: ['worker2'], atMs: 500, forMs: 1_500 },
    ];
    expect(fullEffects(buildHistory({ acts }))).toEqual([
      { fromMs: at(500), toMs: at(2_000), nodes: ['worker1', 'worker2'] },
    ]);
  });

  test('if acts do not overlap, each time with the most nodes struck counts; figures show the longest', () => {
    const acts = [
      { targets: ['worker1'], forMs: 500 },
      { targets: ['worker2'], atMs: 1_000, forMs: 900 },
      { targets: ['worker3'], atMs: 2_000, forMs: 700 },
    ];
    const history = buildHistory({ acts });
    expect(fullEffects(history).map((effect) => effect.nodes)).toEqual([['worker1'], ['worker2'], ['worker3']]);
    expect(fullEffectOf(history)).toEqual({ fromMs: at(1_000), toMs: at(1_900), nodes: ['worker2'] });
  });

  test('one act on three nodes outweighs two acts on one each', () => {
    const acts = [
      { targets: ['worker1'], forMs: 900 },
      { targets: ['worker2'], atMs: 100, forMs: 700 },
      { targets: ['worker1', 'worker2', 'worker3'], atMs: 1_500, forMs: 200 },
    ];
    expect(fullEffectOf(buildHistory({ acts }))?.nodes).toEqual(['worker1', 'worker2', 'worker3']);
  });

  test('a fault that never took effect has none', () => {
    expect(fullEffects(buildHistory({ events: changing('fault-in-effect', () => undefined) }))).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { figuresOf } from '../../src/measure/figures.ts';
import { recoveries } from '../../src/measure/recovery.ts';
import type { Operation, OperationKind } from '../../src/model/history.ts';
import { buildHistory, type HistorySpec, REFUSED, timesOf } from '../support/history-builder.ts';
import { runs } from '../support/properties.ts';

const { effectMs, healAskedMs } = timesOf();

function recoveryOf(kind: string, spec: HistorySpec): number | null | undefined {
  return figuresOf(buildHistory(spec)).recovery.find((recovery) => recovery.kind === kind)?.recoveryMs;
}

/** Writes that are refused within these stretches, in milliseconds from the fault in effect. */
function refusedWrites(...stretches: readonly (readonly [fromMs: number, toMs: number])[]): HistorySpec {
  return {
    answer: ({ kind, intendedAt }) =>
      kind === 'write' && stretches.some(([from, to]) => intendedAt >= effectMs + from && intendedAt < effectMs + to)
        ? REFUSED
        : undefined,
  };
}

describe('recovery', () => {
  test('is 0 for a kind that was never disturbed', () => {
    expect(recoveryOf('read', refusedWrites([0, 900]))).toBe(0);
  });

  test('goes from the fault in effect to the first success of a good second, give or take the spacing', () => {
    const recovery = figuresOf(buildHistory(refusedWrites([0, 900]))).recovery.find(({ kind }) => kind === 'write');
    expect(recovery?.recoveryMs).toBeGreaterThanOrEqual(900);
    expect(recovery?.recoveryMs).toBeLessThanOrEqual(920);
    expect(recovery?.uncertaintyMs).toBeCloseTo(20, 6);
  });

  test('its first stage ends with the first success after the first outage', () => {
    const stages = (spec: HistorySpec) =>
      figuresOf(buildHistory(spec)).recovery.find(({ kind }) => kind === 'write') ?? expect.fail('no recovery');
    const twice = stages(refusedWrites([0, 300], [2_000, 2_600]));
    expect(twice.firstSuccessMs).toBeGreaterThanOrEqual(300);
    expect(twice.firstSuccessMs).toBeLessThanOrEqual(320);
    expect(twice.firstSuccessUncertaintyMs).toBeCloseTo(20, 6);
    expect(twice.recoveryMs).toBeGreaterThanOrEqual(2_600);
    // A brownout is no outage: successes went on.
    const everyThird = stages({
      answer: ({ kind, intendedAt, id }) =>
        kind === 'write' && id % 3 === 0 && intendedAt >= effectMs && intendedAt < effectMs + 900 ? REFUSED : undefined,
    });
    expect(everyThird.firstSuccessMs).toBe(0);
    expect(everyThird.recoveryMs).toBeGreaterThan(700);
    expect(stages(refusedWrites())).toMatchObject({ recoveryMs: 0, firstSuccessMs: 0 });
    expect(stages(refusedWrites([100, 60_000]))).toMatchObject({ recoveryMs: null, firstSuccessMs: null });
  });

  test('a success now and then is no recovery', () => {
    const everyTenth = (operation: Operation) =>
      operation.kind === 'write' && operation.intendedAt >= effectMs && operation.intendedAt < effectMs + 2_000
        ? operation.id % 10 === 0
          ? undefined
          : REFUSED
        : undefined;
    expect(recoveryOf('write', { answer: everyTenth })).toBeGreaterThan(1_900);
  });

  test('a second without one failure in twenty is as before, one with two is not', () => {
    const failing = (every: number) => ({
      answer: ({ kind, intendedAt, id }: Operation) =>
        kind === 'read' && intendedAt >= effectMs && id % every === 0 ? REFUSED : undefined,
    });
    expect(recoveryOf('read', failing(25))).toBe(0);
    expect(recoveryOf('read', failing(10))).toBeNull();
  });

  test('service that is gone again while the fault lasts was not restored', () => {
    expect(recoveryOf('write', refusedWrites([0, 300], [2_000, 2_600]))).toBeGreaterThanOrEqual(2_600);
    expect(recoveryOf('write', refusedWrites([2_000, 2_600]))).toBeGreaterThanOrEqual(2_600);
  });

  test('one shard that is still gone was not restored, however small its share', () => {
    const answer = ({ kind, partition, intendedAt }: Operation) =>
      kind === 'read' && partition === 39 && intendedAt >= effectMs && intendedAt < effectMs + 3_000
        ? REFUSED
        : undefined;
    expect(recoveryOf('read', { partitions: 40, partitionKeys: 40, answer })).toBeGreaterThan(2_400);
  });

  test('a disturbance by healing is not part of the recovery from the fault', () => {
    const healing = healAskedMs - effectMs;
    const recovery = recoveryOf('write', refusedWrites([0, 300], [healing + 50, healing + 400]));
    expect(recovery).toBeGreaterThanOrEqual(300);
    expect(recovery).toBeLessThan(340);
  });

  test('slow answers are no recovery until the p99 is near that of the steady state', () => {
    const slow = (latencyMs: number) => ({
      answer: ({ kind, intendedAt }: Operation) =>
        kind === 'read' && intendedAt >= effectMs && intendedAt < effectMs + 1_500
          ? { settledAt: intendedAt + latencyMs }
          : undefined,
    });
    expect(recoveryOf('read', slow(60))).toBeGreaterThan(1_480);
    expect(recoveryOf('read', slow(45))).toBe(0);
  });

  test('is null if service does not recover within the run', () => {
    expect(recoveryOf('write', refusedWrites([0, 60_000]))).toBeNull();
    expect(recoveryOf('write', refusedWrites([0, 6_500]))).toBeNull();
  });

  test.each([
    ['the second', 200, 500],
    ['the first', 500, 200],
  ])('several acts are judged one by one, and the worst counts: %s', (_, firstMs, secondMs) => {
    const spec = {
      ...refusedWrites([0, firstMs], [2_000, 2_000 + secondMs]),
      acts: [
        { targets: ['worker1'], forMs: 1_000 },
        { targets: ['worker2'], atMs: 2_000, forMs: 1_000 },
      ],
    };
    const recovery = recoveryOf('write', spec);
    expect(recovery).toBeGreaterThanOrEqual(500);
    expect(recovery).toBeLessThan(540);
  });

  test('a kind of one operation a second needs three good ones', () => {
    const kinds: OperationKind[] = [
      { name: 'slow', access: 'read', scope: 'all', ratePerSecond: 1, deadlineMs: 1_000 },
    ];
    const answer = ({ intendedAt }: Operation) =>
      intendedAt >= effectMs && intendedAt < effectMs + 1_000 ? REFUSED : undefined;
    const recovery = recoveryOf('slow', { kinds, answer });
    expect(recovery).toBeGreaterThanOrEqual(1_000);
    expect(recovery).toBeLessThan(2_000);
  });

  test('there is none without a fault', () => {
    expect(figuresOf(buildHistory({ acts: [] })).recovery).toEqual([]);
  });

  test('agrees with an oracle that looks at every second', () => {
    const kinds: OperationKind[] = [
      { name: 'read', access: 'read', scope: 'partition', ratePerSecond: 20, deadlineMs: 1_000 },
    ];
    const marks = fc.array(
      fc.record({ mark: fc.constantFrom('ok', 'ok', 'slow', 'fail'), repeat: fc.constantFrom(1, 2, 30) }),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(marks, (parts) => {
        const pattern = parts.flatMap(({ mark, repeat }) => Array.from({ length: repeat }, () => mark));
        const history = buildHistory({
          kinds,
          answer: ({ intendedAt, id }) => {
            const mark = pattern[id % 200];
            if (intendedAt < effectMs) return undefined;
            return mark === 'fail' ? REFUSED : mark === 'slow' ? { settledAt: intendedAt + 80 } : undefined;
          },
        });
        const [recovery] = recoveries(history, [], () => 2);
        const after = [...history.operations].filter((operation) => operation.intendedAt >= effectMs);
        const end = (after.at(-1)?.intendedAt ?? 0) + 50 + 0.0005;
        const restored = after.find((first) => {
          const until = first.intendedAt + 1_000;
          const second = after.filter((o) => o.intendedAt >= first.intendedAt && o.intendedAt < until);
          const latencies = second
            .filter((o) => o.outcome === 'ok')
            .map((o) => o.settledAt - o.intendedAt)
            .sort((a, b) => a - b);
          const p99 = latencies[Math.ceil(latencies.length * 0.99) - 1] ?? Infinity;
          return first.outcome === 'ok' && until <= end && latencies.length / second.length >= 0.95 && p99 <= 50;
        });
        const expected = restored && (restored === after[0] ? 0 : restored.intendedAt - effectMs);
        expect(recovery?.recoveryMs).toBe(expected ?? null);
      }),
      { numRuns: runs(300) },
    );
  });
});

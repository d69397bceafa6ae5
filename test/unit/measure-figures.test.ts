import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { figuresOf } from '../../src/measure/figures.ts';
import { LatencyRecorder } from '../../src/measure/latency.ts';
import { ledgerFigures } from '../../src/measure/ledger.ts';
import { keyState, serviceWithin } from '../../src/measure/partitions.ts';
import { auditReads } from '../../src/measure/read-audit.ts';
import { auditWrites } from '../../src/measure/write-audit.ts';
import type { Operation } from '../../src/model/history.ts';
import { control, oneWorker, threeWorkers } from '../histories/runs.ts';
import { buildHistory, changing, REFUSED, timesOf } from '../support/history-builder.ts';

const times = timesOf();

describe('availability', () => {
  const find = (history: ReturnType<typeof buildHistory>, kind: string, span: string) =>
    figuresOf(history).availability.find((entry) => entry.kind === kind && entry.span === span)?.figures;

  test('is ok / intended by the intended start, without unsent operations', () => {
    const history = buildHistory({
      answer: ({ kind, intendedAt, id }) => {
        if (kind !== 'read' || intendedAt < times.askedMs || intendedAt >= times.healAskedMs) return undefined;
        return id % 4 === 0 ? REFUSED : id % 4 === 1 ? { outcome: 'unsent' } : undefined;
      },
    });
    const { intended, ok, fail, unsent, share } = find(history, 'read', 'fault') ?? {};
    expect(intended).toBe((ok ?? 0) + (fail ?? 0));
    expect((intended ?? 0) + (unsent ?? 0)).toBe(401);
    expect(share).toBeCloseTo(2 / 3, 2);
    expect(find(history, 'read', 'steady-state')).toMatchObject({ intended: 200, share: 1 });
  });

  test('an operation intended before the fault and settled in it belongs to the steady state', () => {
    const history = buildHistory({
      answer: ({ intendedAt }) =>
        intendedAt > times.askedMs - 15 && intendedAt < times.askedMs
          ? { outcome: 'unknown', settledAt: intendedAt + 500 }
          : undefined,
    });
    expect(find(history, 'read', 'steady-state')).toMatchObject({ intended: 200 });
    expect(find(history, 'read', 'steady-state')?.unknown).toBeGreaterThan(0);
    expect(find(history, 'read', 'fault')).toMatchObject({ share: 1 });
  });

  test('is null if nothing was intended', () => {
    const answer = ({ kind }: Operation) => (kind === 'scan' ? { outcome: 'unsent' as const } : undefined);
    expect(find(buildHistory({ answer }), 'scan', 'fault')).toMatchObject({ intended: 0, unsent: 40, share: null });
  });
});

describe('latency', () => {
  test('percentiles are true to three digits, and never above the maximum', () => {
    fc.assert(
      // In whole microseconds, as operations have them.
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1 }), (latenciesUs) => {
        const latencies = latenciesUs.map((us) => us / 1_000);
        const recorder = new LatencyRecorder();
        for (const latency of latencies) recorder.record(latency);
        const figures = recorder.figures();
        const sorted = latencies.toSorted((a, b) => a - b);
        for (const [percentile, found] of [
          [50, figures?.p50Ms],
          [90, figures?.p90Ms],
          [99, figures?.p99Ms],
          [99.9, figures?.p999Ms],
        ] as const) {
          const exact = sorted[Math.ceil((percentile / 100) * sorted.length) - 1] as number;
          expect(Math.abs((found ?? Number.NaN) - exact)).toBeLessThanOrEqual(Math.max(0.001, exact * 0.001));
          expect(found).toBeLessThanOrEqual(figures?.maxMs as number);
        }
        expect(figures?.maxMs).toBe(sorted.at(-1));
        expect(figures?.count).toBe(latencies.length);
      }),
    );
  });

  test('counts from the intended start, of successes alone', () => {
    const history = buildHistory({
      answer: ({ kind, id, intendedAt }) => {
        if (kind !== 'write') return undefined;
        return id % 2 === 0 ? REFUSED : { sentAt: intendedAt + 30, settledAt: intendedAt + 40 };
      },
    });
    const write = figuresOf(history).latency.find(({ kind, span }) => kind === 'write' && span === 'fault');
    expect(write?.figures.p50Ms).toBeCloseTo(40, 1);
    expect(write?.figures.count).toBeLessThan(105);
  });

  test('is left out if nothing succeeded', () => {
    const history = buildHistory({ answer: ({ kind }) => (kind === 'scan' ? REFUSED : undefined) });
    expect(figuresOf(history).latency.some(({ kind }) => kind === 'scan')).toBe(false);
  });
});

describe('errors and seconds', () => {
  test('errors that differ by a port are one group; other nodes are another', () => {
    const texts = ['worker1:54321 is gone', 'worker1:54322 is gone', 'worker2:54321 is gone'];
    const mixed = buildHistory({
      answer: ({ kind, id }) => (kind === 'scan' ? { ...REFUSED, errorText: texts[id % 3] as string } : undefined),
    });
    const groups = figuresOf(mixed).errors;
    expect(groups.map(({ kind, code }) => [kind, code])).toEqual([
      ['scan', 'ECONNREFUSED'],
      ['scan', 'ECONNREFUSED'],
    ]);
    expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(
      [...mixed.operations].filter(({ kind }) => kind === 'scan').length,
    );
    expect(groups[0]?.text).toMatch(/^worker1:5432[12] is gone$/);
    expect(groups[1]?.text).toBe('worker2:54321 is gone');
  });

  test('seconds hold every operation that was sent, once', () => {
    const history = oneWorker();
    const { seconds } = figuresOf(history);
    const total = seconds.reduce((sum, { ok, failed }) => sum + ok + failed, 0);
    expect(total).toBe(history.operations.count);
    expect(seconds.map(({ second }) => second)).toEqual(seconds.map(({ second }) => second).toSorted((a, b) => a - b));
    const write = seconds.find(({ second, kind }) => second === 5 && kind === 'write');
    expect(write).toEqual({ second: 5, kind: 'write', ok: 0, failed: 50, p50Ms: null, p99Ms: null, maxMs: null });
  });

  test('a second has only the latency of its operations', () => {
    const slow = (second: number) => (intendedAt: number) => Math.floor(intendedAt / 1_000) === second;
    const history = buildHistory({
      answer: ({ kind, id, intendedAt }) =>
        kind === 'read' && slow(4)(intendedAt) ? { settledAt: intendedAt + (id % 100 === 0 ? 900 : 40) } : undefined,
    });
    const of = (wanted: number) =>
      figuresOf(history).seconds.find(({ second, kind }) => second === wanted && kind === 'read');
    for (const second of [3, 5]) expect(of(second)?.maxMs).toBeCloseTo(2, 6);
    expect(of(4)?.p50Ms).toBeCloseTo(40, 1);
    expect(of(4)?.maxMs).toBeCloseTo(900, 6);
    expect(of(4)).toMatchObject({ ok: 100, failed: 0 });
  });
});

describe('shards', () => {
  test('three of four workers gone: B and C unreadable as predicted, A and D readable', () => {
    const { partitions } = figuresOf(threeWorkers());
    expect(
      partitions.map(({ partition, messages, readableMessages }) => [partition, messages, readableMessages]),
    ).toEqual([
      ['A', 10, 10],
      ['B', 10, 0],
      ['C', 10, 0],
      ['D', 10, 10],
    ]);
    expect(partitions.map(({ predictedReadable }) => predictedReadable)).toEqual([true, false, false, true]);
    expect(partitions[1]?.read).toMatchObject({ ok: 0, share: 0 });
    expect(partitions[1]?.read.intended).toBeGreaterThan(50);
    expect(partitions[3]?.write.share).toBe(1);
  });

  test('only operations sent and settled within the stretch count', () => {
    const history = buildHistory({ answer: ({ intendedAt }) => ({ sentAt: intendedAt, settledAt: intendedAt + 50 }) });
    const from = times.effectMs;
    const tried = (toMs: number) =>
      serviceWithin(history, { fromMs: from, toMs })
        ?.partitions.flatMap(({ keys: partitionKeys }) => partitionKeys)
        .filter((r) => r.tried > 0).length;
    expect(tried(from + 49)).toBe(0);
    expect(tried(from + 81)).toBeGreaterThan(0);
    expect(tried(from + 200)).toBe(8);
  });

  test('a room with one wrong answer is not readable, however many right ones there were', () => {
    const wrong = { duplicated: ['0:1'] };
    let seen = 0;
    const history = buildHistory({
      answer: ({ partitionKey, kind }) =>
        kind === 'read' && partitionKey === 1 && ++seen === 40 ? { anomaly: wrong } : undefined,
    });
    const partitionKeys =
      serviceWithin(history, { fromMs: 0, toMs: times.loadEndMs })?.partitions.flatMap((partition) => partition.keys) ??
      [];
    expect(
      partitionKeys
        .filter((partitionKey) => keyState(partitionKey) !== 'readable')
        .map(({ key: partitionKey, wrong }) => [partitionKey, wrong]),
    ).toEqual([[1, 1]]);
  });

  test('the prediction is the one for the largest set of nodes that was down among those struck', () => {
    const partitions = (readable: boolean) =>
      ['A', 'B', 'C', 'D'].map((partition) => ({ partition, readable, writable: readable }));
    const spec = {
      acts: [{ targets: ['worker1', 'worker2'] }],
      predictions: [
        { down: ['worker1'], partitions: partitions(true) },
        { down: ['worker1', 'worker2'], partitions: partitions(false) },
        { down: ['worker3', 'worker4', 'worker1'], partitions: partitions(true) },
      ],
    };
    expect(figuresOf(buildHistory(spec)).partitions[0]).toMatchObject({
      predictedReadable: false,
      predictedWritable: false,
    });
    const other = { ...spec, acts: [{ targets: ['worker4'] }] };
    expect(figuresOf(buildHistory(other)).partitions[0]?.predictedReadable).toBeUndefined();
  });

  test('a run whose cluster was never formed has none', () => {
    expect(figuresOf(buildHistory({ events: changing('cluster-formed', () => undefined) })).partitions).toEqual([]);
  });
});

describe('the ledger', () => {
  test('a clean run has lost nothing', () => {
    const ledger = ledgerFigures(control());
    expect(ledger).toMatchObject({ unknown: 0, lost: { count: 0 }, staleReads: { count: 0 }, finalReads: true });
    expect(ledger.acknowledged).toBe(ledger.written);
    expect(ledger.written).toBeGreaterThan(400);
  });

  test('unknown writes are looked for, refused ones are not', () => {
    const history = buildHistory({
      answer: ({ key }) =>
        key === '1:5' || key === '1:6' ? { outcome: 'unknown' } : key === '1:7' ? REFUSED : undefined,
      finalKeys: ({ coordinator }) => coordinator.add('1:6'),
    });
    expect(ledgerFigures(history)).toMatchObject({ unknown: 2, unknownPresent: 1, lost: { count: 0 } });
  });

  test('a message that one placement still has is hidden, not lost', () => {
    const history = buildHistory({ finalKeys: ({ coordinator }) => coordinator.delete('1:3') });
    const audit = auditWrites(history);
    expect(audit.lostWrites).toBe(0);
    expect(audit.hidden.figures(history)).toEqual({ count: 1, witnesses: ['1:3'] });
  });

  test('without final reads nothing is said to be lost', () => {
    const gone = (events: Parameters<ReturnType<typeof changing>>[0]) =>
      events.filter((event) => event.type !== 'final-read' && event.type !== 'placement-read');
    expect(ledgerFigures(buildHistory({ events: gone }))).toMatchObject({ finalReads: false, lost: { count: 0 } });
  });

  test('reads that left out, doubled or corrupted rows are counted separately', () => {
    const scans = new Map<number, Partial<Operation>>([
      [3, { anomaly: { missing: ['1:1', '1:2'], missingCount: 2 } }],
      [5, { verified: 39 }],
      [7, { verified: 38, anomaly: { corrupted: ['0:7', '0:8'] } }],
      [9, { anomaly: { duplicated: ['0:9'] } }],
    ]);
    let n = 0;
    const history = buildHistory({ answer: ({ kind }) => (kind === 'scan' ? scans.get(++n) : undefined) });
    const audit = auditReads(history);
    expect(audit.stale).toBe(2);
    expect(audit.staleKeys.keys).toEqual(['1:1', '1:2']);
    expect(audit.corrupted.figures(history)).toEqual({ count: 2, witnesses: ['0:7', '0:8'] });
    expect(audit.duplicated.figures(history)).toEqual({ count: 1, witnesses: ['0:9'] });
  });
});

test('figures survive JSON, also those of a run that ended at once', () => {
  const histories = [
    control(),
    threeWorkers(),
    buildHistory({ answer: () => REFUSED }),
    buildHistory({ answer: () => ({ outcome: 'unsent' }) }),
    buildHistory({ events: () => [] }),
  ];
  for (const history of histories) {
    const figures = figuresOf(history);
    const text = JSON.stringify(figures, (_, value) => {
      expect(typeof value !== 'number' || Number.isFinite(value)).toBe(true);
      return value;
    });
    expect(JSON.parse(text)).toEqual(figures);
  }
});

test('figures are computed once for a history', () => {
  const history = control();
  expect(figuresOf(history)).toBe(figuresOf(history));
});

test('probes are counted by kind and span, over all shards', () => {
  const { effectMs } = timesOf();
  const history = buildHistory({
    probe: ({ kind, partition, intendedAt }) => {
      if (kind === 'probe-write' && partition === 1 && intendedAt >= effectMs + 100 && intendedAt < effectMs + 1_100)
        return REFUSED;
      return kind === 'probe-read' && partition === 2 && intendedAt > effectMs + 100 && intendedAt < effectMs + 121
        ? { settledAt: intendedAt + 700 }
        : undefined;
    },
  });
  const { probes } = figuresOf(history);
  expect(probes.map(({ kind, span }) => `${kind} ${span}`)).toEqual([
    'probe-read steady-state',
    'probe-read fault',
    'probe-read settle',
    'probe-write steady-state',
    'probe-write fault',
    'probe-write settle',
  ]);
  const of = (name: string) => probes.find(({ kind, span }) => `${kind} ${span}` === name);
  expect(of('probe-read steady-state')).toMatchObject({ tried: 400, ok: 400, latency: { maxMs: 1 } });
  expect(of('probe-read fault')?.latency?.maxMs).toBe(700);
  const write = of('probe-write fault');
  expect((write?.tried ?? 0) - (write?.ok ?? 0)).toBe(50);
  expect(figuresOf(buildHistory()).probes).toEqual([]);
});

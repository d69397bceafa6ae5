import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProbeLane, type ProbeLaneOptions } from '../../src/measure/probe-lane.ts';
import { windowsOfRun } from '../../src/measure/windows.ts';
import type { ServiceWindow } from '../../src/model/figures.ts';
import { buildHistory, REFUSED } from '../support/history-builder.ts';
import { runs } from '../support/properties.ts';

const OPTIONS: ProbeLaneOptions = {
  kind: 'probe-read',
  lateAboveMs: 100,
  steadyP50Ms: 1,
  steadyP99Ms: 1,
  steadyP999Ms: 1,
  spacingMs: 10,
  partitionsToHit: 1,
  stalls: [],
};
const DEADLINE_MS = 2_000;

/** When a service does not answer, and whether it refuses or leaves waiting. */
interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly how: 'refuses' | 'stalls';
}

/**
 * What probes see that are sent every `spacingMs`, one at a time on each of `lanes` connections.
 * @param latencyMs of an answer, and how long a server that stalled takes to answer what waits.
 */
function probe(
  outages: readonly Outage[],
  { spacingMs = 10, lanes = 4, latencyMs = 1, untilMs = 5_000 } = {},
): ProbeLane {
  const lane = new ProbeLane({
    ...OPTIONS,
    spacingMs,
    steadyP50Ms: latencyMs,
    steadyP99Ms: latencyMs,
    steadyP999Ms: latencyMs,
  });
  const busyUntil = new Array<number>(lanes).fill(0);
  for (let n = 0; n * spacingMs < untilMs; n++) {
    const sentAt = n * spacingMs;
    const connection = n % lanes;
    if ((busyUntil[connection] as number) > sentAt) continue;
    const hit = outages.find(({ fromMs, toMs }) => sentAt + latencyMs > fromMs && sentAt < toMs);
    let settledAt = sentAt + latencyMs;
    let outcome: 'ok' | 'fail' = 'ok';
    if (hit?.how === 'refuses') {
      settledAt = Math.max(sentAt, hit.fromMs) + 0.2;
      outcome = 'fail';
    } else if (hit) {
      const answeredAt = hit.toMs + latencyMs;
      outcome = answeredAt - sentAt > DEADLINE_MS ? 'fail' : 'ok';
      settledAt = outcome === 'ok' ? answeredAt : sentAt + DEADLINE_MS;
    }
    busyUntil[connection] = settledAt;
    lane.add(sentAt, settledAt, outcome, connection);
  }
  return lane;
}

function expectEnclosed({ durationMs, uncertaintyMs, fromMs, toMs }: ServiceWindow, outage: Outage): void {
  expect(Math.abs(durationMs - (outage.toMs - outage.fromMs))).toBeLessThanOrEqual(uncertaintyMs + 1e-6);
  expect(Math.abs(fromMs - outage.fromMs)).toBeLessThanOrEqual(2 * uncertaintyMs + 1e-6);
  expect(Math.abs(toMs - outage.toMs)).toBeLessThanOrEqual(2 * uncertaintyMs + 1e-6);
}

describe('windows seen by probes', () => {
  test('a service that always answers has none', () => {
    expect(probe([]).windows()).toEqual([]);
  });

  test('an outage is found to less than the spacing of the probes', () => {
    for (const how of ['refuses', 'stalls'] as const) {
      const [window, ...others] = probe([{ fromMs: 1_003.7, toMs: 1_503.7, how }]).windows();
      expect(others).toEqual([]);
      expect(window?.type).toBe('outage');
      expect(Math.abs((window?.durationMs ?? 0) - 500)).toBeLessThan(10);
      expect(window?.uncertaintyMs).toBeLessThan(15);
    }
  });

  test('every outage is found, and its true length lies within the reported uncertainty', () => {
    const outage = fc.record({
      fromMs: fc.double({ min: 500, max: 1_500, noNaN: true }),
      lengthMs: fc.double({ min: 150, max: 1_800, noNaN: true }),
      how: fc.constantFrom('refuses' as const, 'stalls' as const),
      spacingMs: fc.double({ min: 1, max: 25, noNaN: true }),
      latencyMs: fc.double({ min: 0.2, max: 5, noNaN: true }),
      lanes: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(outage, ({ fromMs, lengthMs, how, ...probing }) => {
        const planted: Outage = { fromMs, toMs: fromMs + lengthMs, how };
        const windows = probe([planted], probing).windows();
        expect(windows.map(({ type }) => type)).toEqual(['outage']);
        expectEnclosed(windows[0] as ServiceWindow, planted);
        const usualMs = Math.max(2, 2 * probing.latencyMs);
        const betweenMs = Math.max(probing.spacingMs, probing.latencyMs);
        expect((windows[0] as ServiceWindow).uncertaintyMs).toBeLessThanOrEqual(
          betweenMs * (probing.lanes + 1) + 2 * usualMs,
        );
      }),
      { numRuns: runs(500) },
    );
  });

  test('several outages stay separate', () => {
    const planted: Outage[] = [
      { fromMs: 1_000, toMs: 1_400, how: 'stalls' },
      { fromMs: 2_000, toMs: 2_300, how: 'refuses' },
      { fromMs: 3_000, toMs: 3_700, how: 'stalls' },
    ];
    const windows = probe(planted).windows();
    expect(windows.map(({ type }) => type)).toEqual(['outage', 'outage', 'outage']);
    for (const [i, outage] of planted.entries()) expectEnclosed(windows[i] as ServiceWindow, outage);
  });

  test('an open outage lasts until the last answer', () => {
    const [window] = probe([{ fromMs: 4_000, toMs: 9_000, how: 'refuses' }]).windows();
    expect(window).toMatchObject({ type: 'outage', ok: 0 });
    expect(window?.toMs).toBeGreaterThan(4_980);
  });

  test('answers that all take long are brownout, and the failures after them an outage', () => {
    const lane = new ProbeLane(OPTIONS);
    for (let at = 0; at < 1_000; at += 10) lane.add(at, at + 1, 'ok', 0);
    for (let at = 1_000; at < 6_000; at += 1_000) lane.add(at, at + (at === 3_000 ? 700 : 995), 'ok', 0);
    lane.add(3_700, 3_701, 'ok', 0);
    for (let at = 6_000; at < 6_500; at += 10) lane.add(at, at + 1, 'fail', 0);
    for (let at = 6_500; at < 7_500; at += 10) lane.add(at, at + 1, 'ok', 0);
    const windows = lane.windows();
    expect(windows.map(({ type, ok, failed }) => ({ type, ok, failed }))).toEqual([
      { type: 'brownout', ok: 6, failed: 0 },
      { type: 'outage', ok: 0, failed: 50 },
    ]);
    expect(windows[0]?.fromMs).toBe(1_000);
    expect(windows[0]?.toMs).toBe(5_995);
  });

  test('two stalls with good service between them are two outages, however close', () => {
    const lane = new ProbeLane(OPTIONS);
    for (const from of [0, 2_000, 3_000]) for (let at = from; at < from + 300; at += 10) lane.add(at, at + 1, 'ok', 0);
    lane.add(300, 2_000, 'ok', 0);
    lane.add(2_300, 3_000, 'ok', 0);
    expect(lane.windows().map(({ type }) => type)).toEqual(['outage', 'outage']);
  });

  test('a stall after which the first answers are slow is an outage all the same', () => {
    const lane = new ProbeLane(OPTIONS);
    for (let at = 0; at < 1_000; at += 10) lane.add(at, at + 1, 'ok', 0);
    lane.add(1_000, 3_001, 'ok', 0);
    lane.add(3_002, 3_252, 'ok', 0);
    for (let at = 3_260; at < 4_000; at += 10) lane.add(at, at + 1, 'ok', 0);
    const [outage, ...others] = lane.windows();
    expect(outage).toMatchObject({ type: 'outage', failed: 1 });
    expect(outage?.durationMs).toBeGreaterThan(1_980);
    expect(outage?.durationMs).toBeLessThan(2_010);
    expect(others.map(({ type }) => type)).not.toContain('outage');
  });

  test('a stall of the client itself is not an outage', () => {
    const stalls = [{ fromMs: 1_000, toMs: 1_300 }];
    const waiting = (options: Partial<ProbeLaneOptions>) => {
      const lane = new ProbeLane({ ...OPTIONS, ...options });
      for (let at = 0; at < 3_000; at += 10) {
        if (at > 1_000 && at < 1_300) continue;
        lane.add(at, at === 1_000 ? 1_301 : at + 1, 'ok', 0);
      }
      return lane.windows();
    };
    expect(waiting({ stalls })).toEqual([]);
    expect(waiting({})).toMatchObject([{ type: 'outage' }]);
  });

  test('single failures, and late answers, are brownout; one late answer on its own is none', () => {
    const lane = (bad: Readonly<Record<number, { readonly ok: boolean; readonly latencyMs: number }>>) => {
      const lane = new ProbeLane(OPTIONS);
      for (let n = 0; n < 300; n++) {
        const { ok, latencyMs } = bad[n] ?? { ok: true, latencyMs: 1 };
        lane.add(n * 10, n * 10 + latencyMs, ok ? 'ok' : 'fail', 0);
      }
      return lane.windows();
    };
    expect(lane({ 50: { ok: true, latencyMs: 150 } })).toEqual([]);
    expect(lane({ 50: { ok: true, latencyMs: 150 }, 60: { ok: true, latencyMs: 150 } })).toMatchObject([
      { type: 'brownout', fromMs: 500, toMs: 750, failed: 0 },
    ]);
    expect(lane({ 50: { ok: false, latencyMs: 1 } })).toMatchObject([{ type: 'brownout', failed: 1 }]);
    expect(lane({ 50: { ok: false, latencyMs: 1 }, 200: { ok: false, latencyMs: 1 } })).toHaveLength(2);
  });

  test('failures of some shards are brownout of the whole, and an outage of those shards', () => {
    const history = buildHistory({
      probe: ({ partition, intendedAt }) =>
        partition === 1 && intendedAt > 4_000 && intendedAt < 5_000 ? REFUSED : undefined,
    });
    const windows = windowsOfRun(history, () => 100).windows;
    const told = windows.map(({ type, kind, partition, seenBy }) => `${type} ${kind} ${partition ?? 'all'} ${seenBy}`);
    expect(told).toEqual([
      'brownout read all probes',
      'brownout write all probes',
      'outage read B probes',
      'outage write B probes',
    ]);
  });

  test('a shard whose probe just waits, for long, is brownout of the whole', () => {
    const history = buildHistory({
      probe: ({ partition, intendedAt, id }) => {
        if (partition !== 1 || intendedAt < 4_000 || intendedAt > 6_000) return undefined;
        // One probe waits, in place of those that would have followed it.
        return intendedAt < 4_020 ? { settledAt: 6_001 } : { sentAt: 6_002, settledAt: 6_003, id };
      },
    });
    const windows = windowsOfRun(history, () => 100).windows;
    const told = windows.map(({ type, kind, partition, durationMs }) => [
      type,
      kind,
      partition,
      Math.round(durationMs / 100),
    ]);
    expect(told).toEqual([
      ['brownout', 'read', undefined, 20],
      ['brownout', 'write', undefined, 20],
      ['outage', 'read', 'B', 20],
      ['outage', 'write', 'B', 20],
    ]);
  });

  test('windows that only the load saw count, for reads and writes as for scans', () => {
    const history = buildHistory({
      probe: () => undefined,
      answer: ({ intendedAt }) => (intendedAt > 4_000 && intendedAt < 5_000 ? REFUSED : undefined),
    });
    const whole = windowsOfRun(history, () => 100).windows.filter(({ partition }) => partition === undefined);
    expect(whole.map(({ type, kind, seenBy }) => [type, kind, seenBy])).toEqual([
      ['outage', 'read', 'load'],
      ['outage', 'scan', 'load'],
      ['outage', 'write', 'load'],
    ]);
  });
});

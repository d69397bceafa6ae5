import { describe, expect, test } from 'vitest';
import { monotonicClock } from '../../src/model/clock.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import type { OperationKind } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { AnswerCount, raise } from '../../src/run/ramp.ts';

const READ: OperationKind = { name: 'read', access: 'read', scope: 'partition', ratePerSecond: 200, deadlineMs: 2_000 };
const SCAN: OperationKind = { ...READ, name: 'scan', scope: 'all', ratePerSecond: 2 };
const TICK_MS = 20;
const HAND_OVER_MS = 250;

/** A load whose servers answer a limited number of reads a second. */
async function rampOn(capacity: number, fit = false) {
  const clock = monotonicClock();
  const count = new AnswerCount([READ, SCAN], HAND_OVER_MS);
  let share = 0;
  const paces: number[] = [];
  let id = 0;
  let owed = 0;
  const server = setInterval(() => {
    owed += (Math.min(capacity, READ.ratePerSecond * share) * TICK_MS) / 1_000;
    const batch = new OperationTable(['read']);
    for (; owed >= 1; owed--) {
      const at = clock.nowMs();
      batch.add({ id: ++id, kind: 'read', intendedAt: at - 2, sentAt: at - 2, settledAt: at, outcome: 'ok' });
    }
    if (batch.count > 0) count.operations(batch);
  }, TICK_MS);
  const startedAt = performance.now();
  try {
    const pace = (to: number) => {
      share = to;
      paces.push(to);
    };
    const { signal } = new AbortController();
    const borne = await raise({ count, pace, clock, signal, fit }).catch((error: unknown) => error);
    return { borne, paces, tookMs: performance.now() - startedAt };
  } finally {
    clearInterval(server);
  }
}

describe.concurrent('the ramp', () => {
  test('rises to the whole load and ends as soon as it is answered', async () => {
    const { borne, paces, tookMs } = await rampOn(1_000);
    expect(borne).toBe(1);
    expect(paces).toEqual([0.25, 0.5, 1]);
    expect(tookMs).toBeLessThan(5_000);
  });

  test('refuses a load that is not sustained within 10 s, with the figures', async () => {
    const { borne, tookMs } = await rampOn(60);
    expect(borne).toBeInstanceOf(EnvironmentError);
    expect((borne as EnvironmentError).code).toBe('load-not-borne');
    expect((borne as Error).message).toMatch(
      /^servers and client cannot sustain the scenario's load, so pgquake broke nothing: read \d\d of 200, scan 0 of 2 a second answered$/,
    );
    expect(tookMs).toBeLessThan(10_000);
  });

  test('finds a smaller load with fit', async () => {
    const { borne, paces } = await rampOn(60, true);
    expect(borne).toBe(0.25);
    expect(paces).toEqual([0.25, 0.5, 1, 0.5, 0.25]);
  });

  test('refuses if not even a small load is sustained', async () => {
    const { borne } = await rampOn(0, true);
    expect((borne as Error).message).toMatch(/even at 3\.125 % of its rates/);
  });
});

test('a very light load runs at its rates at once, and needs one answer', async () => {
  const clock = monotonicClock();
  const light = { ...READ, ratePerSecond: 8 };
  const count = new AnswerCount([light, SCAN], HAND_OVER_MS);
  const paces: number[] = [];
  const ramp = raise({ count, pace: (to) => paces.push(to), clock, signal: new AbortController().signal, fit: false });
  const batch = new OperationTable(['read']);
  const at = clock.nowMs();
  batch.add({ id: 1, kind: 'read', intendedAt: at, sentAt: at, settledAt: at, outcome: 'ok' });
  count.operations(batch);
  const startedAt = performance.now();
  expect(await ramp).toBe(1);
  expect(paces).toEqual([1]);
  expect(performance.now() - startedAt).toBeLessThan(500);
});

test('the slowest counting kind decides how long answers are counted', () => {
  const windowOf = (...rates: number[]) =>
    new AnswerCount(
      rates.map((ratePerSecond) => ({ ...READ, ratePerSecond })),
      HAND_OVER_MS,
    ).windowMs;
  expect([windowOf(200, 50, 5), windowOf(200, 25), windowOf(200, 12), windowOf(5)]).toEqual([250, 400, 500, 500]);
});

test('a kind that is due less than once in the window does not count', () => {
  const seldom = new AnswerCount([{ ...SCAN, ratePerSecond: 0.5 }], HAND_OVER_MS);
  expect(seldom.bears(seldom.before(10_000, 1))).toBe(true);
  const due = new AnswerCount([SCAN], HAND_OVER_MS);
  expect(due.bears(due.before(10_000, 1))).toBe(false);
});

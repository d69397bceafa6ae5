import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { monotonicClock } from '../../src/model/clock.ts';
import type { Operation, OperationKind } from '../../src/model/history.ts';
import { LoadGenerator, type LoadKept } from '../../src/run/load-generator.ts';
import { workloadLanes } from '../../src/run/workload-lanes.ts';
import type { Session } from '../../src/sql/session.ts';
import type { WorkloadRun } from '../../src/workloads/workload.ts';
import { FakeSession } from '../support/fake-session.ts';

const READ: OperationKind = { name: 'read', access: 'read', scope: 'partition', ratePerSecond: 100, deadlineMs: 60 };
const WRITE: OperationKind = { ...READ, name: 'write', access: 'write' };

interface Setting {
  readonly kinds?: readonly OperationKind[];
  readonly answer?: () => Promise<unknown[][]>;
  readonly connect?: () => Promise<never>;
  readonly maxConnections?: number;
  readonly inStep?: boolean;
  /** 300 by default. */
  readonly forMs?: number;
}

const FOR_MS = 300;

/** On the current clock, real or virtual. */
const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Longer than any operation's deadline. */
const STOP_MS = 1_000;

/** Runs a load on fake sessions in virtual time, so that a busy machine does not matter. */
async function load(setting: Setting) {
  vi.useFakeTimers();
  try {
    const { operations, start, stop } = prepared(setting);
    start();
    await vi.advanceTimersByTimeAsync(setting.forMs ?? FOR_MS);
    const stopped = stop();
    await vi.advanceTimersByTimeAsync(STOP_MS);
    const kept: LoadKept = await stopped;
    operations.sort((a, b) => a.intendedAt - b.intendedAt);
    return { operations, kept };
  } finally {
    vi.useRealTimers();
  }
}

function prepared({ kinds = [READ], answer, connect, maxConnections = 100, inStep = false }: Setting) {
  const operations: Operation[] = [];
  const workload: WorkloadRun = {
    next: (kind) => ({
      partitionKey: 7,
      ...(kind === 'write' ? { key: '1:1' } : {}),
      run: async (session, timeoutMs) => ({ rows: (await session.query('', [], { timeoutMs })).length }),
      settled: () => undefined,
    }),
  };
  const generator = new LoadGenerator({
    lanes: workloadLanes(kinds, workload, maxConnections),
    inStep,
    connect:
      connect ??
      (async () => {
        const session = new FakeSession();
        if (answer) session.answer = answer;
        return session.asSession();
      }),
    clock: { nowMs: () => performance.now() },
    partitionOfKey: { 7: 3 },
    settled: (operation) => operations.push(operation),
  });
  return { operations, start: () => generator.start(), stop: () => generator.stop() };
}

describe('open-loop schedule', () => {
  test('operations start at their intended times, evenly spaced', async () => {
    const { operations, kept } = await load({});
    expect(operations.length).toBe(kept.intended);
    expect(operations.length).toBe(FOR_MS / 10);
    for (let i = 1; i < operations.length; i++) {
      expect((operations[i] as Operation).intendedAt - (operations[i - 1] as Operation).intendedAt).toBeCloseTo(10, 6);
    }
    expect(operations.every((operation) => operation.outcome === 'ok' && operation.partition === 3)).toBe(true);
  });

  test('a server that stalls does not slow the schedule down', async () => {
    const stalled = () => new Promise<never>(() => undefined);
    const { operations } = await load({ answer: stalled });
    expect(operations.length).toBe(FOR_MS / 10);
    expect(operations.every((operation) => operation.outcome === 'fail')).toBe(true);
    expect(operations.every((operation) => operation.errorCode === 'deadline')).toBe(true);
  });

  test('latency counts from the intended start', async () => {
    const slow = () => later(30).then(() => [[1]]);
    const { operations } = await load({ answer: slow });
    for (const { intendedAt, sentAt, settledAt } of operations) {
      expect(sentAt).toBeGreaterThanOrEqual(intendedAt);
      expect(settledAt - intendedAt).toBeGreaterThanOrEqual(30);
    }
  });
});

test('lanes in step start together, as often as their rates allow', async () => {
  const seldom = { ...WRITE, ratePerSecond: 25 };
  const { operations } = await load({ kinds: [READ, seldom], inStep: true });
  const startsOf = (name: string) => operations.flatMap(({ kind, intendedAt }) => (kind === name ? [intendedAt] : []));
  const [reads, writes] = [startsOf('read'), startsOf('write')];
  expect(writes.length).toBeGreaterThan(5);
  expect(reads.length).toBeGreaterThan(3 * writes.length);
  expect(reads).toEqual(expect.arrayContaining(writes));
  // Lanes of other threads too, because they share the clock.
  for (const start of reads) expect(start / 10).toBeCloseTo(Math.round(start / 10), 6);
});

test('an answer triggers due operations before the next whole millisecond', async () => {
  vi.useFakeTimers();
  try {
    let now = 0;
    const answers: ((rows: unknown[][]) => void)[] = [];
    const sent: number[] = [];
    const generator = new LoadGenerator({
      lanes: workloadLanes(
        [READ],
        {
          next: () => ({
            partitionKey: 7,
            run: async (session) => {
              sent.push(now);
              return { rows: (await session.query('')).length };
            },
            settled: () => undefined,
          }),
        },
        100,
      ),
      connect: async () => {
        const session = new FakeSession();
        session.answer = () => new Promise((resolve) => answers.push(resolve));
        return session.asSession();
      },
      clock: { nowMs: () => now },
      partitionOfKey: {},
      settled: () => undefined,
    });
    generator.start();
    // The first is due after 5 ms, and one every 10 ms from then on.
    now = 5;
    await vi.advanceTimersByTimeAsync(5);
    expect(sent).toEqual([5]);
    now = 15.2;
    answers[0]?.([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([5, 15.2]);
    const stopped = generator.stop();
    now = 25.5;
    answers[1]?.([]);
    await vi.advanceTimersByTimeAsync(0);
    await stopped;
    expect(sent).toEqual([5, 15.2]);
  } finally {
    vi.useRealTimers();
  }
});

describe('a Poisson schedule', () => {
  const poisson: OperationKind = { ...READ, ratePerSecond: 1_000, schedule: 'poisson' };
  const lane = (seed: number) => workloadLanes([poisson], { next: () => expect.fail() }, 100, seed)[0];
  const gaps = (seed: number, n: number) => Array.from({ length: n }, () => lane(seed)?.gap?.() ?? 0);

  test('is drawn from the seed, with the rate as its mean and the spread of independent arrivals', () => {
    const drawn = lane(7);
    const list = Array.from({ length: 20_000 }, () => drawn?.gap?.() ?? 0);
    const mean = list.reduce((sum, gap) => sum + gap, 0) / list.length;
    const deviation = Math.sqrt(list.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / list.length);
    expect(mean).toBeGreaterThan(0.97);
    expect(mean).toBeLessThan(1.03);
    expect(deviation / mean).toBeGreaterThan(0.95);
    expect(deviation / mean).toBeLessThan(1.05);
    expect(gaps(7, 1)).toEqual(gaps(7, 1));
    expect(gaps(7, 1)).not.toEqual(gaps(8, 1));
  });

  test('determines when operations start', async () => {
    const { operations } = await load({ kinds: [{ ...poisson, ratePerSecond: 200 }] });
    const spacings = operations.slice(1).map((o, i) => o.intendedAt - (operations[i] as Operation).intendedAt);
    expect(spacings.length).toBeGreaterThan(25);
    expect(Math.max(...spacings)).toBeGreaterThan(3 * Math.min(...spacings));
  });
});

test.each([
  [1_000, [402, 102, 12]],
  [300, [186, 102, 12]],
  [100, [44, 44, 12]],
  [6, [2, 2, 2]],
  [1, [1, 1, 1]],
])('of %i connections each kind has what it can use, or as many as the others', (max, expected) => {
  const deadlineMs = 2_000;
  const kinds = [
    { ...READ, ratePerSecond: 200, deadlineMs },
    { ...WRITE, ratePerSecond: 50, deadlineMs },
    { ...READ, name: 'scan', ratePerSecond: 5, deadlineMs },
  ];
  const lanes = workloadLanes(kinds, { next: () => expect.fail() }, max);
  expect(lanes.map(({ maxConnections }) => maxConnections)).toEqual(expected);
});

test('a kind may have its own number of connections', () => {
  const kinds = [{ ...READ, maxConnections: 3 }, WRITE];
  const caps = (server: number) =>
    workloadLanes(kinds, { next: () => expect.fail() }, server).map(({ maxConnections }) => maxConnections);
  expect(caps(1_000)).toEqual([3, 8]);
  expect(caps(2)).toEqual([1, 1]);
});

describe('outcomes', () => {
  test('a write past its deadline is unknown', async () => {
    const { operations } = await load({ kinds: [WRITE], answer: () => new Promise<never>(() => undefined) });
    expect(new Set(operations.map((operation) => operation.outcome))).toEqual(new Set(['unknown']));
  });

  test('a write that found no connection certainly did not happen', async () => {
    const refused = async () => {
      throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
    };
    const { operations } = await load({ kinds: [WRITE], connect: refused });
    expect(new Set(operations.map((operation) => operation.outcome))).toEqual(new Set(['fail']));
  });

  test("the client's own cap is counted apart and never charged to the cluster", async () => {
    const slow = () => later(50).then(() => []);
    const { operations, kept } = await load({ answer: slow, maxConnections: 1 });
    const outcomes = new Set(operations.map((operation) => operation.outcome));
    // One in five finds the connection free: each has it for 50 ms, and one is due every 10 ms.
    expect(outcomes).toEqual(new Set(['ok', 'unsent']));
    expect(kept.unsent).toBe(operations.filter((operation) => operation.outcome === 'unsent').length);
    expect(kept.unsent).toBe((FOR_MS / 10) * (4 / 5));
  });

  // Like a primary without its synchronous standby: it accepts connections and answers reads, but no commit ends.
  test.each([1, 3, 10, 100])(
    'a server that accepts connections and answers no write is charged with every write, whether %i connections are enough or not',
    async (maxConnections) => {
      const stalled = () => new Promise<never>(() => undefined);
      // Three are due in the time that one waits for the client, so that some wait while connections are replaced.
      const kinds = [{ ...WRITE, deadlineMs: 300 }];
      const { operations, kept } = await load({ kinds, answer: stalled, maxConnections, forMs: 1_000 });
      const count = (outcome: string) => operations.filter((operation) => operation.outcome === outcome).length;
      expect(operations).toHaveLength(100);
      expect({ ok: count('ok'), unsent: kept.unsent }).toEqual({ ok: 0, unsent: 0 });
      // Sent writes may be committed; those that found all connections busy certainly are not.
      expect(count('unknown') + count('fail')).toBe(operations.length);
      expect(count('unknown')).toBeGreaterThanOrEqual(Math.min(maxConnections, operations.length));
    },
  );
});

test('lanes with shared connections each keep the one that they warmed', async () => {
  const warmed = new Map<number, Session>();
  const used = new Map([1, 2, 3].map((partitionKey) => [partitionKey, new Set<Session>()]));
  const generator = new LoadGenerator({
    lanes: [...used].map(([partitionKey, sessions]) => ({
      kind: READ,
      pool: 'shared',
      maxConnections: 3,
      whenBusy: 'skip',
      warmUp: async (session) => {
        // Until each lane has its own.
        await sleep(20);
        warmed.set(partitionKey, session);
      },
      next: () => ({
        run: async (session) => {
          sessions.add(session);
          return {};
        },
        settled: () => undefined,
      }),
    })),
    connect: async () => new FakeSession().asSession(),
    clock: monotonicClock(),
    partitionOfKey: {},
    settled: () => undefined,
  });
  await generator.warmUp(async () => undefined);
  generator.start();
  await sleep(100);
  await generator.stop();
  expect(new Set(warmed.values()).size).toBe(3);
  for (const [partitionKey, sessions] of used) expect([...sessions]).toEqual([warmed.get(partitionKey)]);
});

test('fresh operations never reuse a connection', async () => {
  const opened = new Set<Session>();
  const usedAtWarmUp = new Set<Session>();
  const used: Session[] = [];
  const generator = new LoadGenerator({
    lanes: [
      {
        kind: READ,
        maxConnections: 2,
        whenBusy: 'skip',
        fresh: true,
        next: () => ({
          run: async (session) => {
            used.push(session);
            return {};
          },
          settled: () => undefined,
        }),
      },
    ],
    connect: async () => {
      const session = new FakeSession().asSession();
      opened.add(session);
      return session;
    },
    clock: monotonicClock(),
    partitionOfKey: {},
    settled: () => undefined,
  });
  await generator.warmUp(async (session) => void usedAtWarmUp.add(session));
  generator.start();
  await sleep(100);
  await generator.stop();
  expect(usedAtWarmUp.size).toBe(0);
  expect(used.length).toBeGreaterThan(2);
  expect(new Set(used).size).toBe(used.length);
  expect(opened.size).toBe(used.length);
});

describe('how well the schedule was kept', () => {
  test('a delayed client reports its delay', async () => {
    setTimeout(() => {
      const until = performance.now() + 150;
      while (performance.now() < until);
    }, 50);
    const { start, stop } = prepared({});
    start();
    await sleep(FOR_MS);
    const kept = await stop();
    expect(kept.latenessMaxMs).toBeGreaterThan(100);
    expect(kept.eventLoopDelayMaxMs).toBeGreaterThan(100);
  });
});

import { describe, expect, test, vi } from 'vitest';
import { Connections, NoConnectionError, SilentServerError } from '../../src/run/connections.ts';
import { DeadlineError } from '../../src/sql/session.ts';
import { FakeSession } from '../support/fake-session.ts';

function fakes(limit = Number.POSITIVE_INFINITY) {
  const opened: FakeSession[] = [];
  const connect = async () => {
    if (opened.length >= limit) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const session = new FakeSession();
    opened.push(session);
    return session.asSession();
  };
  return { opened, connect };
}

describe('connections of one kind', () => {
  test('a free connection is used again before a new one is opened', async () => {
    const { opened, connect } = fakes();
    const connections = new Connections(5, connect);
    const first = await connections.acquire(100);
    connections.release(first);
    expect(await connections.acquire(100)).toBe(first);
    expect(opened).toHaveLength(1);
  });

  test('a discarded connection is not handed out again', async () => {
    const { opened, connect } = fakes();
    const connections = new Connections(1, connect);
    const first = await connections.acquire(100);
    first.discard();
    connections.release(first);
    expect(await connections.acquire(100)).not.toBe(first);
    expect(opened).toHaveLength(2);
  });

  test('a free connection that dies makes room under the cap', async () => {
    const { opened, connect } = fakes();
    const connections = new Connections(1, connect);
    connections.release(await connections.acquire(100));
    opened[0]?.discard();
    expect((await connections.acquire(100)).usable).toBe(true);
  });

  test('beyond the cap an operation waits for the next free connection', async () => {
    const connections = new Connections(1, fakes().connect);
    const first = await connections.acquire(100);
    const waiting = connections.acquire(1_000);
    connections.release(first);
    expect(await waiting).toBe(first);
  });

  test('an operation that waits in vain fails because the client had no free connection', async () => {
    const connections = new Connections(1, fakes().connect);
    const first = await connections.acquire(100);
    const answered = connections.acquire(100, 20);
    const dry = connections.acquire(100, 20);
    connections.release(first);
    await answered;
    await expect(dry).rejects.toThrow(NoConnectionError);
  });

  test('while the server answers on no connection, an operation waits for it until its time is over', async () => {
    const connections = new Connections(1, fakes().connect);
    await connections.acquire(100);
    await expect(connections.acquire(60, 5)).rejects.toThrow(SilentServerError);
  });

  test("after a silence as long as operations have, they get the connection: the silence was the server's", async () => {
    const connections = new Connections(1, fakes().connect);
    const first = await connections.acquire(100);
    await new Promise((resolve) => setTimeout(resolve, 120));
    const waiting = connections.acquire(100, 5);
    setTimeout(() => connections.release(first), 40);
    expect(await waiting).toBe(first);
  });

  test('the limit of the first connections does not apply to silences or later connections', async () => {
    const limits: number[] = [];
    const { connect } = fakes();
    const connections = new Connections(2, (timeoutMs) => {
      limits.push(timeoutMs);
      return connect();
    });
    connections.release(await connections.acquire(10_000));
    const first = await connections.acquire(100);
    const second = await connections.acquire(100);
    expect(limits).toEqual([10_000, 100]);
    await new Promise((resolve) => setTimeout(resolve, 120));
    const waiting = connections.acquire(100, 5);
    setTimeout(() => connections.release(first), 40);
    expect(await waiting).toBe(first);
    connections.release(second);
  });

  test('while the server answers slowly, the client is still to blame', async () => {
    const connections = new Connections(1, fakes().connect);
    const first = await connections.acquire(1_000);
    const waiting = connections.acquire(1_000, 5);
    setTimeout(() => connections.release(first), 40);
    await expect(waiting).rejects.toThrow(NoConnectionError);
  });

  test("no more than a thousand operations wait: a burst of more is beyond the client, after a silence it is the server's doing", async () => {
    vi.useFakeTimers();
    try {
      const connections = new Connections(1, fakes().connect);
      await connections.acquire(100);
      const waiting = Array.from({ length: 1_000 }, () => connections.acquire(500).catch(() => 'waited'));
      await expect(connections.acquire(500, 50)).rejects.toThrow(NoConnectionError);
      await vi.advanceTimersByTimeAsync(60);
      await expect(connections.acquire(500, 50)).rejects.toThrow(SilentServerError);
      await vi.advanceTimersByTimeAsync(500);
      expect(new Set(await Promise.all(waiting))).toEqual(new Set(['waited']));
    } finally {
      vi.useRealTimers();
    }
  });

  test('when a busy connection is discarded, the waiting operation opens another', async () => {
    const { opened, connect } = fakes();
    const connections = new Connections(1, connect);
    const first = await connections.acquire(100);
    const waiting = connections.acquire(1_000);
    first.discard();
    connections.release(first);
    expect((await waiting).usable).toBe(true);
    expect(opened).toHaveLength(2);
  });

  test('a failed attempt to connect makes room for the next', async () => {
    const { connect } = fakes(1);
    const connections = new Connections(1, connect);
    const first = await connections.acquire(100);
    const second = connections.acquire(1_000);
    const third = connections.acquire(1_000);
    first.discard();
    connections.release(first);
    await expect(second).rejects.toThrow('refused');
    await expect(third).rejects.toThrow('refused');
  });
});

describe('a server that is slow to accept connections', () => {
  /** Every connection takes 50 ms to open. */
  function slow(cap = 100) {
    let opening = 0;
    let most = 0;
    const connections = new Connections(cap, async () => {
      most = Math.max(most, ++opening);
      await new Promise((resolve) => setTimeout(resolve, 50));
      opening--;
      return new FakeSession().asSession();
    });
    return { connections, most: () => most };
  }

  test('gets at most four attempts at a time, however many operations are due', async () => {
    const { connections, most } = slow();
    const sessions = await Promise.all(Array.from({ length: 12 }, () => connections.acquire(1_000, 100)));
    expect(new Set(sessions).size).toBe(12);
    expect(most()).toBe(4);
  });

  test('the oldest waiter gets the first free connection', async () => {
    const { connections } = slow();
    const first = await connections.acquire(1_000);
    const waiting = Array.from({ length: 5 }, () => connections.acquire(1_000));
    connections.release(first);
    expect(await waiting[0]).toBe(first);
    await Promise.all(waiting);
  });

  test('gets one attempt for all operations while it refuses; each fails by an attempt that began after it', async () => {
    const tries: number[] = [];
    const connections = new Connections(50, async () => {
      tries.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw Object.assign(new Error('no host'), { code: 'no-host' });
    });
    const failed: { since: number; at: number }[] = [];
    const all: Promise<unknown>[] = [];
    for (let i = 0; i < 60; i++) {
      const since = performance.now();
      all.push(
        connections.acquire(2_000).then(
          () => Promise.reject(new Error('no session was expected')),
          () => failed.push({ since, at: performance.now() }),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(all);
    expect(failed).toHaveLength(60);
    // One attempt and pause take 40 ms, for 400 ms; before the refusal there were four attempts at a time.
    expect(tries.length).toBeLessThan(20);
    for (const { since, at } of failed) {
      expect(tries.some((begun) => begun >= since && begun <= at)).toBe(true);
    }
  });

  test('gets parallel attempts again as soon as one times out, however often it had refused', async () => {
    const opened: FakeSession[] = [];
    let tries = 0;
    const connections = new Connections(50, async () => {
      tries++;
      if (tries === 1) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      if (tries === 2) return new Promise<never>(() => undefined);
      const session = new FakeSession();
      opened.push(session);
      return session.asSession();
    });
    await expect(connections.acquire(2_000)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(connections.acquire(300)).rejects.toThrow(DeadlineError);
    const next = [connections.acquire(2_000), connections.acquire(1_900)];
    expect((await Promise.race(next)).usable).toBe(true);
    expect(opened).toHaveLength(1);
    await expect(Promise.all(next)).rejects.toThrow(DeadlineError);
  });

  test('serves again after operations waited for it in vain', async () => {
    let takesMs = 500;
    const connections = new Connections(100, async (timeoutMs) => {
      await new Promise((resolve) => setTimeout(resolve, Math.min(takesMs, timeoutMs)));
      if (takesMs > timeoutMs) throw new DeadlineError(timeoutMs);
      return new FakeSession().asSession();
    });
    // One every 5 ms, each with 100 ms; a connection takes half of that, once the server is as before.
    const outcomes: string[] = [];
    const all: Promise<unknown>[] = [];
    for (let i = 0; i < 160; i++) {
      if (i === 40) takesMs = 50;
      const work = connections.acquire(100).then(
        (session) => {
          outcomes[i] = 'ok';
          // Discarded, so that the next one needs another.
          session.discard();
          connections.release(session);
        },
        () => {
          outcomes[i] = 'fail';
        },
      );
      all.push(work);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(all);
    expect(outcomes.slice(0, 15)).not.toContain('ok');
    expect(outcomes.slice(-60).filter((outcome) => outcome === 'ok').length).toBeGreaterThan(5);
  });

  test('serves again after a long silence, even with more operations due than connections it can open', async () => {
    vi.useFakeTimers();
    try {
      const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      let silent = true;
      // 40 connections a second, where 200 operations are due; each takes 20 ms.
      const connections = new Connections(402, async (timeoutMs) => {
        await pause(silent ? timeoutMs : 100);
        if (silent) throw new DeadlineError(timeoutMs);
        return new FakeSession().asSession();
      });
      const outcomes: string[] = [];
      const operation = async (i: number) => {
        const deadline = performance.now() + 2_000;
        try {
          const session = await connections.acquire(2_000, 200);
          const enough = deadline - performance.now() >= 20;
          await pause(Math.min(20, deadline - performance.now()));
          if (!enough) session.discard();
          connections.release(session);
          outcomes[i] = enough ? 'ok' : 'fail';
        } catch {
          outcomes[i] = 'fail';
        }
      };
      const all: Promise<void>[] = [];
      for (let i = 0; i < 1_600; i++) {
        if (i === 600) silent = false;
        all.push(operation(i));
        await vi.advanceTimersByTimeAsync(5);
      }
      await vi.advanceTimersByTimeAsync(2_000);
      await Promise.all(all);
      expect(outcomes.slice(0, 190)).not.toContain('ok');
      // Starting a second after the silence.
      expect(outcomes.slice(800)).not.toContain('fail');
    } finally {
      vi.useRealTimers();
    }
  });

  test('is to blame for an operation that waited for it in vain', async () => {
    const { connections } = slow();
    const opened = Array.from({ length: 4 }, () => connections.acquire(1_000));
    await expect(connections.acquire(20, 2)).rejects.toThrow(DeadlineError);
    await Promise.all(opened);
  });
});

/** Sessions that are kept on nodes which are asked again and again. */

import { expect, test, vi } from 'vitest';
import { KeptSessions } from '../../src/engines/streaming/kept-sessions.ts';
import type { Session } from '../../src/sql/session.ts';
import { FakeSession } from '../support/fake-session.ts';

const NODE = { name: 'pg1', address: () => ({ host: '', port: 0, user: '', password: '', database: '' }) };

function sessions() {
  const opened: FakeSession[] = [];
  const kept = new KeptSessions(async () => {
    const session = new FakeSession();
    opened.push(session);
    return session.asSession();
  });
  const ask = (timeoutMs = 1_000) => kept.ask(NODE, 1_000, (session: Session) => session.query('', [], { timeoutMs }));
  return { opened, ask };
}

test('a node is asked again on the session that it has', async () => {
  const { opened, ask } = sessions();
  for (const _ of [1, 2, 3]) await ask();
  expect(opened).toHaveLength(1);
});

test('a kept session that ended says nothing of its node: a new one asks', async () => {
  const { opened, ask } = sessions();
  await ask();
  (opened[0] as FakeSession).answer = () => Promise.reject(Object.assign(new Error('ended'), { code: '57P01' }));
  expect(await ask()).toEqual([]);
  expect(opened).toHaveLength(2);
  expect(opened[0]?.usable).toBe(false);
});

test('a node that answers nothing is waited for once', async () => {
  const { opened, ask } = sessions();
  await ask();
  (opened[0] as FakeSession).answer = () => new Promise(() => undefined);
  await expect(ask(20)).rejects.toMatchObject({ code: 'deadline' });
  expect(opened).toHaveLength(1);
});

test('two questions at one time have a session each, and one of them is kept', async () => {
  const { opened, ask } = sessions();
  await Promise.all([ask(), ask()]);
  expect(opened.map(({ usable }) => usable).sort()).toEqual([false, true]);
});

test('a session that nobody uses is closed', async () => {
  vi.useFakeTimers();
  try {
    const { opened, ask } = sessions();
    await ask();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(opened[0]?.usable).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

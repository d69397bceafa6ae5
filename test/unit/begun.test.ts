/** What is made ready while other things are. */

import { expect, test } from 'vitest';
import { Begun } from '../../src/model/begun.ts';

class Thread implements AsyncDisposable {
  ended = 0;

  async [Symbol.asyncDispose](): Promise<void> {
    this.ended++;
  }
}

test('is put away once it is ready, also where another one fails first', async () => {
  const thread = new Thread();
  const { promise, resolve } = Promise.withResolvers<Thread>();
  const leaving = (async () => {
    await using beginning = new Begun(promise);
    expect(beginning.ready).toBe(promise);
    throw new Error('the other one');
  })();
  resolve(thread);
  await expect(leaving).rejects.toThrow('the other one');
  expect(thread.ended).toBe(1);
});

test('a failed preparation rejects only for those who await it', async () => {
  const beginning = new Begun<Thread>(Promise.reject(new Error('no server')));
  await beginning[Symbol.asyncDispose]();
  await expect(beginning.ready).rejects.toThrow('no server');
});

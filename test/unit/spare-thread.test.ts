/** Threads that start before their orders, with real threads. */

import { once } from 'node:events';
import { expect, test } from 'vitest';
import { threadsLeft } from '../../src/model/end-thread.ts';
import { SpareThread } from '../../src/run/spare-thread.ts';

const ENTRY = new URL('../support/thread-with-orders.ts', import.meta.url);

test('a thread imports before it has orders, and then carries them out', async () => {
  await using spare = new SpareThread<string, string>(ENTRY, { name: 'spare', preload: 'loaded' });
  const { worker, ended } = spare.take('do it');
  expect(await once(worker, 'message')).toEqual(['loaded, do it']);
  await expect(ended).rejects.toThrow('the thread "spare" ended early with code 0');
});

test('a failed import does not keep a thread from its orders', async () => {
  await using spare = new SpareThread<string, string>(ENTRY, { name: 'spare', preload: 'no such thing' });
  expect(await once(spare.take('do it').worker, 'message')).toEqual(['not loaded, do it']);
});

test('a thread that gets no orders ends', async () => {
  const spare = new SpareThread<string, string>(ENTRY, { name: 'spare', preload: 'loaded' });
  // While it still loads, and once more.
  await Promise.all([spare[Symbol.asyncDispose](), spare[Symbol.asyncDispose]()]);
  await expect(spare.take('too late').ended).rejects.toThrow();
  expect(threadsLeft()).toBe(0);
});

test('a thread that dies before its orders rejects for its taker, and does not end the process', async () => {
  await using spare = new SpareThread<string, string>(ENTRY, { name: 'spare', preload: 'die' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await expect(spare.take('do it').ended).rejects.toThrow('died of its own');
});

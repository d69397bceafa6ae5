/** A thread that is there before its orders, with real threads. */

import { once } from 'node:events';
import { expect, test } from 'vitest';
import { threadsLeft } from '../../src/model/end-thread.ts';
import { SpareThread } from '../../src/run/spare-thread.ts';

const ENTRY = new URL('../support/thread-with-orders.ts', import.meta.url);

test('loads before it has orders, and then does what it is told', async () => {
  await using spare = new SpareThread<string, string>(ENTRY, { name: 'spare', preload: 'loaded' });
  const { worker, ended } = spare.take('do it');
  expect(await once(worker, 'message')).toEqual(['loaded, do it']);
  await expect(ended).rejects.toThrow('the thread "spare" ended early with code 0');
});

test('what cannot be loaded before keeps it from nothing', async () => {
  await using spare = new SpareThread<string, string>(ENTRY, { name: 'spare', preload: 'no such thing' });
  expect(await once(spare.take('do it').worker, 'message')).toEqual(['not loaded, do it']);
});

test('ends by itself where nobody has anything to do for it', async () => {
  const spare = new SpareThread<string, string>(ENTRY, { name: 'spare', preload: 'loaded' });
  // While it still loads, and once more.
  await Promise.all([spare[Symbol.asyncDispose](), spare[Symbol.asyncDispose]()]);
  await expect(spare.take('too late').ended).rejects.toThrow();
  expect(threadsLeft()).toBe(0);
});

test('one that dies before its orders says so to whoever takes it, and ends no process', async () => {
  await using spare = new SpareThread<string, string>(ENTRY, { name: 'spare', preload: 'die' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await expect(spare.take('do it').ended).rejects.toThrow('died of its own');
});

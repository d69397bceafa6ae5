/** The end of a thread: asked for, then forced, and waited for no longer than that. */

import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { endThread } from '../../src/model/end-thread.ts';

const LIMIT_MS = 20;
/** Less than the thread of `thread-that-stays` does. */
const STAYS_MS = 20_000;
const never = new Promise<never>(() => undefined);

test('a thread that has ended is cut off all the same, which is harmless', async () => {
  let cutOff = 0;
  const worker = { terminate: async () => ++cutOff, unref: () => undefined } as unknown as Worker;
  await endThread(worker, Promise.resolve(), LIMIT_MS);
  expect(cutOff).toBe(1);
});

test('a thread that survives termination is abandoned: the caller continues', async () => {
  let left = false;
  const unref = () => {
    left = true;
  };
  await endThread({ terminate: () => never, unref } as unknown as Worker, never, LIMIT_MS);
  expect(left).toBe(true);
});

test('a process ends with its exit code though a thread of it does not', async () => {
  const program = join(import.meta.dirname, '../support/thread-that-stays.ts');
  const ended = await execa(process.execPath, [program], { reject: false, timeout: STAYS_MS, killSignal: 'SIGKILL' });
  expect(ended).toMatchObject({ stdout: 'left: 1', stderr: '', exitCode: 2 });
});

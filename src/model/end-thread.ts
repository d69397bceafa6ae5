/** Ends a worker thread, gracefully if possible. */

import type { Worker } from 'node:worker_threads';
import { atMost } from './at-most.ts';

/** How long a thread may take to end by itself. */
const END_LIMIT_MS = 500;

let left = 0;

/** Threads of this process that were terminated and still have not ended. */
export const threadsLeft = (): number => left;

/**
 * Waits for a thread that was asked to end, and terminates it if it does not. Terminating a working thread may crash
 * the process; a thread that survives termination is abandoned. Safe to call twice, and after the thread has ended.
 * @param ended settles when the thread has ended.
 * @param limitMs how long to wait for it, 500 by default; the same again after termination.
 */
export async function endThread(worker: Worker, ended: Promise<unknown>, limitMs = END_LIMIT_MS): Promise<void> {
  await atMost(limitMs, ended);
  left++;
  const cutOff = worker.terminate().finally(() => left--);
  await atMost(limitMs, cutOff);
  worker.unref();
}

/** Ends a worker thread: by itself where it can. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';

/** For a thread that has not begun to end: it is busy, or stands still. */
const END_LIMIT_MS = 500;

let left = 0;

/** Threads of this process that were cut off, did not end and were left to themselves. */
export const threadsLeft = (): number => left;

/**
 * Waits for a thread that was asked to end, and cuts it off when it does not. A thread that is cut off in the middle of
 * its work may take the process along; one that does not even end then is left to itself. Harmless twice, and where the
 * thread has ended already.
 * @param ended settles when it has.
 * @param limitMs how long it may take, 500 by default; as long again once it is cut off.
 */
export async function endThread(worker: Worker, ended: Promise<unknown>, limitMs = END_LIMIT_MS): Promise<void> {
  await atMost(limitMs, ended);
  left++;
  // However late it ends.
  const cutOff = worker.terminate().finally(() => left--);
  await atMost(limitMs, cutOff);
  worker.unref();
}

async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  const limit = new AbortController();
  const late = sleep(limitMs, undefined, { signal: limit.signal });
  await Promise.race([work, late].map((one) => one.catch(() => undefined)));
  limit.abort();
}

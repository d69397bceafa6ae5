/** Waits for work that cannot be aborted, and for threads. */

import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';

/**
 * Stops waiting for work when the signal is aborted. The work continues in the background and its outcome is ignored.
 * @param graceMs how long to wait after the abort; 0 by default.
 * @throws the signal's reason when it is aborted first.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, graceMs = 0): Promise<T> {
  if (!signal) return work;
  let abort: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      timer = setTimeout(() => reject(signal.reason), graceMs);
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    work.catch(() => undefined);
  }
}

/**
 * Waits until a thread reports that it is ready, and disposes of its handle if it never does.
 * @param stopped rejects with the thread's error.
 * @throws that error, or the signal's reason.
 */
export async function untilReady(
  worker: Worker,
  { handle, stopped }: { readonly handle: AsyncDisposable; readonly stopped: Promise<unknown> },
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await orAborted(Promise.race([saysReady(worker), stopped]), signal);
  } catch (error) {
    await handle[Symbol.asyncDispose]();
    throw error;
  }
}

async function saysReady(worker: Worker): Promise<void> {
  for (;;) {
    const [message] = (await once(worker, 'message')) as [{ readonly type: string }];
    if (message.type === 'ready') return;
  }
}

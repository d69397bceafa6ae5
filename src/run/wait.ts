/** Waiting for work that cannot be aborted, and for a thread. */

import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';

/**
 * Work that cannot be aborted itself. It goes on in the background, and what it comes to is of no interest any more.
 * @param graceMs how long it may take to end by itself once the signal is aborted; not at all by default.
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

/** Waits until a thread says that it is ready; what else it says meanwhile is for others. */
export async function saysReady(worker: Worker): Promise<void> {
  for (;;) {
    const [message] = (await once(worker, 'message')) as [{ readonly type: string }];
    if (message.type === 'ready') return;
  }
}

/** Waits for a thread. */

import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { unlessAborted } from '../model/unless-aborted.ts';

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
    await unlessAborted(Promise.race([saysReady(worker), stopped]), signal);
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

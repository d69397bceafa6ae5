/** Waiting that ends at once when the run is aborted. */

import { setTimeout as sleep } from 'node:timers/promises';

/** @throws the signal's reason when it is aborted before the time has passed. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await sleep(Math.max(0, ms), undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

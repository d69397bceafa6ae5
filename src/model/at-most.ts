/** Waits with a time limit. */

import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until work settles, or the limit has passed; never rejects. */
export async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  const limit = new AbortController();
  const late = sleep(limitMs, undefined, { signal: limit.signal });
  await Promise.race([work, late].map((one) => one.catch(() => undefined)));
  limit.abort();
}

/** Waits by polling, with a limit. */

import { setTimeout as sleep } from 'node:timers/promises';
import pRetry, { AbortError } from 'p-retry';

export interface Patience {
  /** From now, in milliseconds. The probe is called at least once. */
  readonly limitMs: number;
  /** Between two calls of the probe, in milliseconds; 50 by default. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const EVERY_MS = 50;

/**
 * Calls the probe until nothing is missing or the limit has passed.
 * @param probe returns what is still missing; `undefined` once nothing is.
 * @returns `undefined`, or what was still missing at the limit.
 * @throws what the probe throws, or the signal's reason.
 */
export async function until<T>(
  { limitMs, everyMs = EVERY_MS, signal }: Patience,
  probe: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const giveUpAt = performance.now() + limitMs;
  const look = async () => {
    const missing = await probe().catch(broken);
    if (missing !== undefined && performance.now() <= giveUpAt) throw new Error('still missing');
    return missing;
  };
  const patience = { retries: Number.POSITIVE_INFINITY, factor: 1, minTimeout: everyMs, maxTimeout: everyMs };
  return pRetry(look, { ...patience, ...(signal ? { signal } : {}) });
}

/** An error of the probe ends the wait. */
function broken(error: unknown): never {
  throw new AbortError(error instanceof Error ? error : String(error));
}

/** @throws the signal's reason if it is aborted first. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await sleep(Math.max(0, ms), undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

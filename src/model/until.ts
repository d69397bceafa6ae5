/** Waiting for something that nobody announces: asked again and again, and never for ever. */

import { setTimeout as sleep } from 'node:timers/promises';
import pRetry, { AbortError } from 'p-retry';

export interface Patience {
  /** From now on, in milliseconds. The probe is asked once in any case. */
  readonly limitMs: number;
  /** Between two looks, in milliseconds; 50 by default. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const EVERY_MS = 50;

/**
 * Asks until nothing is missing, or the time is up.
 * @param probe what is still missing; `undefined` once nothing is.
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

/** An error of the probe itself is nothing to wait for. */
function broken(error: unknown): never {
  throw new AbortError(error instanceof Error ? error : String(error));
}

/** @throws the signal's reason when it is aborted before the time has passed. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await sleep(Math.max(0, ms), undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

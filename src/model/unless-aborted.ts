/** Aborts the wait for work that does not support an `AbortSignal`. */

/**
 * Waits for work until the signal is aborted. The work itself continues; its result is ignored.
 * @throws what the work throws, or the signal's reason.
 */
export async function unlessAborted<T>(working: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([working, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    working.catch(() => undefined);
  }
}

/** Aborts the wait for work that does not support an `AbortSignal`. */

/**
 * Waits for work until the signal, if there is one, is aborted. The work itself continues; its result is ignored.
 * @param graceMs how long to go on waiting after the abort; 0 by default.
 * @throws what the work throws, or the signal's reason.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, graceMs = 0): Promise<T> {
  if (!signal) return work;
  const aborted = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    if (graceMs === 0) aborted.reject(signal.reason);
    else timer = setTimeout(() => aborted.reject(signal.reason), graceMs);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    work.catch(() => undefined);
  }
}

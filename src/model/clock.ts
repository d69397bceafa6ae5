/** The run's clock: monotonic, shared by all threads of the process, counted from the run's start. */

export interface Clock {
  /** Milliseconds since the run's start, with fractions. */
  nowMs(): number;
}

/** Readings of both clocks, of which the two that lie closest together count. */
const PAIRS = 10;

/** @param originNs `process.hrtime.bigint()` at the run's start; threads of one process share that time base. */
export function monotonicClock(originNs: bigint = process.hrtime.bigint()): Clock {
  // The same clock counted from the thread's start, in numbers: to read it leaves nothing behind to be swept out.
  let behindMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < PAIRS; i++) {
    const threadMs = performance.now();
    behindMs = Math.min(behindMs, Number(process.hrtime.bigint() - originNs) / 1e6 - threadMs);
  }
  return { nowMs: () => performance.now() + behindMs };
}

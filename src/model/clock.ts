/** The run's clock: monotonic, shared by all threads of the process, zero at the run's start. */

export interface Clock {
  /** Milliseconds since the run's start, with fractions. */
  nowMs(): number;
}

/** How often to read both clocks; the pair read closest together counts. */
const PAIRS = 10;

/** @param originNs `process.hrtime.bigint()` at the run's start; all threads of a process share it. */
export function monotonicClock(originNs: bigint = process.hrtime.bigint()): Clock {
  // `performance.now()` returns a number: unlike a bigint, it leaves no garbage.
  let behindMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < PAIRS; i++) {
    const threadMs = performance.now();
    behindMs = Math.min(behindMs, Number(process.hrtime.bigint() - originNs) / 1e6 - threadMs);
  }
  return { nowMs: () => performance.now() + behindMs };
}

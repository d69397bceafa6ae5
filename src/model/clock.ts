/** The run's clock: monotonic, shared by all threads of the process, counted from the run's start. */

export interface Clock {
  /** Milliseconds since the run's start, with fractions. */
  nowMs(): number;
}

/** @param originNs `process.hrtime.bigint()` at the run's start; threads of one process share that time base. */
export function monotonicClock(originNs: bigint = process.hrtime.bigint()): Clock {
  return { nowMs: () => Number(process.hrtime.bigint() - originNs) / 1e6 };
}

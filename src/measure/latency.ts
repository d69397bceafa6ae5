/** Latency percentiles in bounded memory, to three significant digits, from microseconds up to an hour. */

import type { Latency } from '../model/figures.ts';
import { histogramTo } from '../model/histogram.ts';

const HOUR_US = 3_600_000_000;
/** Most answers take less, and are counted before they go into the histogram: a run has millions of them. */
const COUNTED_BELOW_US = 16_384;

export class LatencyRecorder {
  readonly #histogram = histogramTo(HOUR_US);
  /** By microseconds: those between the least and the most that are not in the histogram yet. */
  readonly #counts = new Uint32Array(COUNTED_BELOW_US);
  #leastUs = COUNTED_BELOW_US;
  #mostUs = -1;
  /** Of those in the histogram. */
  #maxUs = 0;

  /** @param latencyMs from the intended start; more than an hour counts as an hour. */
  record(latencyMs: number): void {
    this.recordUs(Math.round(latencyMs * 1_000));
  }

  /** @param latencyUs the same in whole microseconds. */
  recordUs(latencyUs: number): void {
    const us = Math.min(HOUR_US, Math.max(0, latencyUs));
    if (us < COUNTED_BELOW_US) {
      this.#counts[us] = (this.#counts[us] as number) + 1;
      if (us < this.#leastUs) this.#leastUs = us;
      if (us > this.#mostUs) this.#mostUs = us;
    } else {
      this.#histogram.recordValue(us);
      if (us > this.#maxUs) this.#maxUs = us;
    }
  }

  /** Forgets what was recorded; cheaper than a new one. */
  reset(): void {
    this.#takeCounts();
    this.#histogram.reset();
    this.#maxUs = 0;
  }

  /** @returns `undefined` when nothing was recorded. */
  figures(): Latency | undefined {
    this.#takeCounts();
    if (this.#histogram.totalCount === 0) return undefined;
    const maxMs = this.#maxUs / 1_000;
    // A bucket's upper end may lie above the largest value in it.
    const at = (percentile: number) => Math.min(maxMs, this.#histogram.getValueAtPercentile(percentile) / 1_000);
    return {
      count: this.#histogram.totalCount,
      p50Ms: at(50),
      p90Ms: at(90),
      p99Ms: at(99),
      p999Ms: at(99.9),
      p9999Ms: at(99.99),
      maxMs,
    };
  }

  #takeCounts(): void {
    for (let us = this.#leastUs; us <= this.#mostUs; us++) {
      const count = this.#counts[us] as number;
      if (count > 0) this.#histogram.recordValueWithCount(us, count);
    }
    if (this.#mostUs > this.#maxUs) this.#maxUs = this.#mostUs;
    if (this.#mostUs >= 0) this.#counts.fill(0, this.#leastUs, this.#mostUs + 1);
    this.#leastUs = COUNTED_BELOW_US;
    this.#mostUs = -1;
  }
}

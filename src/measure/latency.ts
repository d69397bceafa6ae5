/** Latency percentiles in bounded memory, to three significant digits, from microseconds up to an hour. */

import type { Latency } from '../model/figures.ts';
import { histogramTo } from '../model/histogram.ts';

const HOUR_US = 3_600_000_000;
/** Faster answers, which are most of millions, are counted in an array before they go into the histogram. */
const COUNTED_BELOW_US = 16_384;

export class LatencyRecorder {
  readonly #histogram = histogramTo(HOUR_US);
  /** Counts by microsecond; those from the least to the most are not in the histogram yet. */
  readonly #counts = new Uint32Array(COUNTED_BELOW_US);
  #leastUs = COUNTED_BELOW_US;
  #mostUs = -1;
  /** The longest latency in the histogram. */
  #maxUs = 0;

  /** @param latencyMs from the intended start; more than an hour counts as an hour. */
  record(latencyMs: number): void {
    this.recordUs(Math.round(latencyMs * 1_000));
  }

  /** @param latencyUs in whole microseconds; otherwise as `record`. */
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

  /** Forgets all records; cheaper than a new recorder. */
  reset(): void {
    this.#takeCounts();
    this.#histogram.reset();
    this.#maxUs = 0;
  }

  /** @returns `undefined` if nothing was recorded. */
  figures(): Latency | undefined {
    this.#takeCounts();
    if (this.#histogram.totalCount === 0) return undefined;
    const maxMs = this.#maxUs / 1_000;
    // A bucket's upper end may exceed the largest value in it.
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

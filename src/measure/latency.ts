/** Latency percentiles in bounded memory, to three significant digits, from microseconds up to an hour. */

import type { Latency } from '../model/figures.ts';
import { histogramTo } from '../model/histogram.ts';

const HOUR_US = 3_600_000_000;

export class LatencyRecorder {
  readonly #histogram = histogramTo(HOUR_US);
  #maxMs = 0;

  /** @param latencyMs from the intended start; more than an hour counts as an hour. */
  record(latencyMs: number): void {
    this.#histogram.recordValue(Math.min(HOUR_US, Math.max(0, Math.round(latencyMs * 1_000))));
    if (latencyMs > this.#maxMs) this.#maxMs = latencyMs;
  }

  /** Forgets what was recorded; cheaper than a new one. */
  reset(): void {
    this.#histogram.reset();
    this.#maxMs = 0;
  }

  /** @returns `undefined` when nothing was recorded. */
  figures(): Latency | undefined {
    if (this.#histogram.totalCount === 0) return undefined;
    // A bucket's upper end may lie above the largest value in it.
    const at = (percentile: number) => Math.min(this.#maxMs, this.#histogram.getValueAtPercentile(percentile) / 1_000);
    return {
      count: this.#histogram.totalCount,
      p50Ms: at(50),
      p90Ms: at(90),
      p99Ms: at(99),
      p999Ms: at(99.9),
      p9999Ms: at(99.99),
      maxMs: this.#maxMs,
    };
  }
}

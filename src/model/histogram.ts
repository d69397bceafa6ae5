/**
 * Counts of whole numbers in bounded memory, to three significant digits. The package's main module also loads
 * compression and WebAssembly, slower than everything else in a load thread; so this file bypasses it.
 */

import { createRequire } from 'node:module';
import type int32 from 'hdr-histogram-js/dist/Int32Histogram.js';

export type Histogram = InstanceType<typeof int32.default>;

const require = createRequire(import.meta.url);

/** @param max a higher number grows the histogram. */
export function histogramTo(max: number): Histogram {
  const { default: Int32Histogram } = require('hdr-histogram-js/dist/Int32Histogram.js') as typeof int32;
  const histogram = new Int32Histogram(1, max, 3);
  histogram.autoResize = true;
  return histogram;
}

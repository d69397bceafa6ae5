/** Seeded random numbers, so that a run can be repeated exactly. */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** @returns a whole number from 0 to `length` - 1. */
export type RandomIndex = (length: number) => number;

/** @param seed from 0 to 2^32 - 1. */
export function seededIndex(seed: number): RandomIndex {
  const generator = xoroshiro128plus(seed);
  return (length) => uniformInt(generator, 0, length - 1);
}

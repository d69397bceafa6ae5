/** Shared by faults that are over as soon as they strike, and may strike repeatedly. */

import { z } from 'zod';
import { duration } from '../model/quantities.ts';
import type { NodeName } from '../model/topology.ts';
import type { Strike } from './fault.ts';

const MAX_TIMES = 100;

export const repeated = z.strictObject({
  times: z.int().min(1).max(MAX_TIMES).default(1).describe('How many times it strikes.'),
  between: duration.prefault('1s').describe('From the node accepting SQL again to the next strike.'),
});

/** @param options `forMs`: how long each strike lasts; 0 by default. */
export function againAndAgain(
  targets: readonly NodeName[],
  { times, between, forMs = 0 }: z.output<typeof repeated> & { readonly forMs?: number },
): Strike[] {
  return Array.from({ length: times }, (_, nth) => ({ targets, gapMs: nth === 0 ? 0 : between, forMs }));
}

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

export function againAndAgain(targets: readonly NodeName[], params: z.output<typeof repeated>): Strike[] {
  const { times, between } = params;
  return Array.from({ length: times }, (_, nth) => ({ targets, gapMs: nth === 0 ? 0 : between, forMs: 0 }));
}

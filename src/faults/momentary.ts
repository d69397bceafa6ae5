/** What faults share that are over as soon as they have struck: they may strike several times. */

import { z } from 'zod';
import { duration } from '../model/quantities.ts';
import type { NodeName } from '../model/topology.ts';
import type { Strike } from './fault.ts';

const MAX_TIMES = 100;

export const repeated = z.strictObject({
  times: z.int().min(1).max(MAX_TIMES).default(1).describe('How often it strikes.'),
  between: duration.prefault('1s').describe('From when the node accepts SQL again until the next strike.'),
});

export function againAndAgain(targets: readonly NodeName[], params: z.output<typeof repeated>): Strike[] {
  const { times, between } = params;
  return Array.from({ length: times }, (_, nth) => ({ targets, gapMs: nth === 0 ? 0 : between, forMs: 0 }));
}

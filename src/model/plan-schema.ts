/** The schema of a stored plan. */

import { z } from 'zod';
import { actSchema, partitionSchema, runSchema } from './report-schema.ts';
import { PURPOSES } from './topology.ts';

/** The parts that judge and report read; the rest is for people. */
export const planSchema = z.looseObject({
  seed: runSchema.shape.seed,
  acts: z.array(actSchema),
  placement: z.array(partitionSchema),
  scenario: z.looseObject({
    name: z.string(),
    cluster: z.looseObject({
      platform: z.string(),
      engine: z.string(),
      nodes: z.array(z.looseObject({ name: z.string(), role: z.string(), part: z.enum(PURPOSES) })),
      replication: z.int(),
      partitions: z.int(),
    }),
    hypothesis: z.array(
      z.looseObject({
        check: z.string(),
        params: z.record(z.string(), z.unknown()),
        written: z.record(z.string(), z.unknown()),
        place: z.looseObject({ file: z.string(), line: z.int() }),
      }),
    ),
  }),
});

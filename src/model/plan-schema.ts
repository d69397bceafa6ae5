/** The schema of a stored plan. If it and the type `Plan` differ, the check at the end does not compile. Nothing reads a stored blast radius. */

import { z } from 'zod';
import type { Plan } from './plan.ts';
import { type AsJson, actSchema, partitionSchema, runSchema } from './report-schema.ts';
import { MOVING_ROLES } from './roles.ts';
import { storedInventorySchema } from './stored-inventory.ts';
import { BESIDE, PURPOSES } from './topology.ts';

const count = z.int().min(0);
const ms = z.number().min(0);
const names = z.array(z.string());
const access = z.enum(['read', 'write']);
const movingRole = z.enum(MOVING_ROLES);
const place = z.object({ file: z.string(), line: z.int(), column: z.int() });
const params = z.record(z.string(), z.unknown());

const mapping = z.custom<object>((value) => params.safeParse(value).success, 'expected a mapping');

const cluster = z.object({
  platform: z.string(),
  engine: z.string(),
  nodes: z.array(z.object({ name: z.string(), role: z.string(), part: z.enum(PURPOSES) })),
  replication: z.int(),
  partitions: z.int(),
  partitionWord: z.string().exactOptional(),
  attach: z.string().exactOptional(),
});

const wholeCluster = cluster.extend({
  movingRoles: z.array(movingRole).exactOptional(),
  absentRoles: z.partialRecord(movingRole, z.string()).exactOptional(),
  absentRoutes: z.record(z.string(), z.string()).exactOptional(),
  own: z.object({ engine: z.string(), params: mapping, inWords: z.string() }).exactOptional(),
  inventory: storedInventorySchema.exactOptional(),
  confirm: z.string().exactOptional(),
});

const amount = z.union([z.number(), z.object({ share: z.number() })]);
const amountOrMajority = z.union([amount, z.literal('majority')]);
const partitionRef = z.union([
  z.object({ partitionKey: z.number(), written: z.string() }),
  z.object({ partition: z.number(), written: z.string() }),
]);
const target = z.union([
  z.object({ nodes: names }),
  z.object({ role: z.literal('worker'), pick: amount }),
  z.object({ purpose: z.enum(BESIDE), pick: amountOrMajority.exactOptional() }),
  z.object({ roleAtStrike: movingRole, pick: amountOrMajority.exactOptional() }),
  z.object({ holdsPartitionOf: partitionRef, pick: amount.exactOptional() }),
  z.object({ notHolding: partitionRef, pick: amount.exactOptional() }),
  z.object({ fatalPair: z.literal(true) }),
]);

const hypothesis = z.array(
  z.object({
    check: z.string(),
    params,
    written: params,
    place,
    hopeless: z.object({ reason: z.string(), place }).exactOptional(),
  }),
);

const workload = z.object({ use: z.string(), params });

/** The parts that judge, report and export read; the rest is for people and for a replay. */
export const planSchema = z.object({
  seed: runSchema.shape.seed,
  acts: z.array(actSchema),
  placement: z.array(partitionSchema),
  scenario: z.object({ name: z.string(), file: z.string(), cluster, workload, hypothesis }),
});

/** All that a replay needs. */
export const wholePlanSchema = planSchema.extend({
  scenario: planSchema.shape.scenario.extend({
    summary: z.string(),
    claim: z.string().exactOptional(),
    tags: names.exactOptional(),
    source: z.string(),
    cluster: wholeCluster,
    probes: z
      .object({
        ratePerSecond: z.number(),
        deadlineMs: ms,
        routes: z.array(z.object({ name: z.string(), access })).exactOptional(),
      })
      .exactOptional(),
    pressure: z.object({ connections: count, depth: count, writes: z.number() }).exactOptional(),
    steadyStateMs: ms,
    watchMs: ms.exactOptional(),
    faults: z.array(
      z.object({ fault: z.string(), target, atMs: ms, jitterMs: ms.exactOptional(), forMs: ms, params, place }),
    ),
    settleWithinMs: ms,
    guards: z
      .object({
        maxDown: count.exactOptional(),
        limitMs: ms.exactOptional(),
        abortWhen: z.array(z.object({ of: z.string(), below: z.number(), forMs: ms })),
        place,
      })
      .exactOptional(),
    seed: runSchema.shape.seed.exactOptional(),
  }),
});

type Read = AsJson<z.output<typeof wholePlanSchema>>;
type Written = AsJson<Omit<Plan, 'blastRadius'>>;

true satisfies Read extends Written ? (Written extends Read ? true : false) : false;

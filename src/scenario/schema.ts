/**
 * The format of a scenario, built from the catalogue: each fault, check and workload brings the schema of
 * its own parameters.
 */

import { z } from 'zod';
import type { Check } from '../checks/check.ts';
import type { Fault } from '../faults/fault.ts';
import { duration, positiveDuration } from '../model/quantities.ts';
import type { Workload } from '../workloads/workload.ts';

/** The words that a scenario may use. */
export interface ScenarioVocabulary {
  readonly faults: readonly Fault[];
  readonly checks: readonly Check[];
  readonly workloads: readonly Workload[];
  readonly platforms: readonly string[];
  readonly engines: readonly string[];
}

export const MAX_WORKERS = 64;
export const MAX_SHARDS = 1_024;

const seed = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);

/** `worker1`, a list of names, or a random pick. */
const target = z.union([
  z.string(),
  z.array(z.string()),
  z.strictObject({ role: z.literal('worker'), pick: z.int().min(1) }),
]);

/** What stands beside a fault's own parameters. */
export const faultStep = z.strictObject({
  fault: z.string().describe('A fault; `docs/faults` lists them.'),
  target: target.describe('A node, a list of nodes, or { role: worker, pick: n }.'),
  at: duration.prefault('0s').describe('From the start of the fault phase.'),
  for: positiveDuration.describe('From the fault in effect until it is undone.'),
});

/** The parts that do not depend on the catalogue. */
export function parts({ platforms, engines }: Pick<ScenarioVocabulary, 'platforms' | 'engines'>) {
  return {
    name: z
      .string()
      .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected kebab-case, such as one-worker')
      .describe('The same as the file name, without .yaml.'),
    summary: z.string().min(1).describe('One sentence: what happens and what is expected.'),
    claim: z.string().min(1).optional().describe('The sentence that is put to the test, quoted.'),
    cluster: z
      .strictObject({
        workers: z.int().min(1).max(MAX_WORKERS).default(4).describe('Workers beside the one coordinator.'),
        replication: z.int().min(1).max(MAX_WORKERS).default(2).describe('Copies of every shard; at most `workers`.'),
        shards: z.int().min(1).max(MAX_SHARDS).default(4).describe('Shards of every table.'),
        platform: z
          .enum(['auto', ...platforms])
          .default('auto')
          .describe('Where nodes run.'),
        engine: z
          .enum(['auto', ...engines])
          .default('auto')
          .describe('What makes nodes one cluster.'),
      })
      .prefault({}),
    'steady-state': z
      .strictObject({ for: positiveDuration.describe('How long the load runs before the first fault.') })
      .prefault({ for: '2s' }),
    settle: z
      .strictObject({ within: positiveDuration.describe('Limit for service and replicas to be as before.') })
      .prefault({ within: '30s' }),
    seed: seed.optional().describe('Repeats the random choices of an earlier run.'),
  };
}

export const SECTIONS = [
  'name',
  'summary',
  'claim',
  'cluster',
  'workload',
  'steady-state',
  'faults',
  'settle',
  'hypothesis',
  'seed',
] as const;

/** The published JSON Schema (draft 2020-12) of a scenario, for editors. */
export function scenarioJsonSchema(vocabulary: ScenarioVocabulary): Record<string, unknown> {
  const { faults, checks, workloads } = vocabulary;
  const step = (fault: Fault) => faultStep.extend({ fault: named(fault), ...shapeOf(fault.params) });
  const item = (check: Check) => z.strictObject({ check: named(check), ...shapeOf(check.params) });
  const load = (workload: Workload) => z.strictObject({ use: named(workload), ...shapeOf(workload.params) });
  const scenario = z
    .strictObject({
      ...parts(vocabulary),
      workload: oneOf(workloads.map(load)).describe('What reads and writes while faults strike.').optional(),
      faults: z
        .array(oneOf(faults.map(step)))
        .describe('What is broken, where, when and for how long.')
        .optional(),
      hypothesis: z
        .array(oneOf(checks.map(item)))
        .min(1)
        .describe('What must hold.'),
    })
    .meta({
      title: 'pgquake scenario',
      description: 'Breaks nodes of a PostgreSQL cluster and says what must survive.',
    });
  return z.toJSONSchema(scenario, { io: 'input' }) as Record<string, unknown>;
}

function named({ name, summary }: { readonly name: string; readonly summary: string }) {
  return z.literal(name).describe(summary);
}

function shapeOf(params: z.ZodType): z.core.$ZodLooseShape {
  return params instanceof z.ZodObject ? (params.shape as z.core.$ZodLooseShape) : {};
}

function oneOf(schemas: readonly z.ZodType[]): z.ZodType {
  return schemas.length === 1 ? (schemas[0] as z.ZodType) : z.union(schemas as [z.ZodType, z.ZodType]);
}

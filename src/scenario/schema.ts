/** The format of a scenario, built from the catalogue, for the parser and the published JSON Schema. */

import { z } from 'zod';
import type { Check } from '../checks/check.ts';
import type { Engine } from '../cluster/engine.ts';
import type { ClusterKeys } from '../cluster/keys.ts';
import type { Platform } from '../cluster/platform.ts';
import { MAX_WORKERS, WORKER_KEYS } from '../cluster/worker-keys.ts';
import type { Fault } from '../faults/fault.ts';
import { MAX_SEED } from '../model/plan.ts';
import { duration, positiveDuration, rate, share } from '../model/quantities.ts';
import { expectedButFound } from '../model/quoted.ts';
import { MOVING_ROLES } from '../model/roles.ts';
import type { PartitionRef } from '../model/scenario.ts';
import { BESIDE, partitionIndex } from '../model/topology.ts';
import type { Workload } from '../workloads/workload.ts';
import { inventorySchema } from './inventory-schema.ts';

/** The variants that a scenario may name. */
export interface ScenarioVocabulary {
  readonly faults: readonly Fault[];
  readonly checks: readonly Check[];
  /** A scenario that names no workload gets the first. */
  readonly workloads: readonly Workload[];
  readonly platforms: readonly Pick<Platform, 'name'>[];
  readonly engines: readonly Pick<
    Engine,
    'name' | 'summary' | 'keys' | 'movingRoles' | 'routes' | 'readRoutes' | 'nodes' | 'partitionWord'
  >[];
}

/** Probes of each kind per second. */
export const PROBE_RATE = 50;
/** The same on servers that are in use. */
export const LIGHT_PROBE_RATE = 5;
/** Routes share one budget of probes. */
const MAX_PROBED_ROUTES = 8;
export const MAX_STEPS = 100;
/** For all faults together, with their repetitions. */
export const MAX_STRIKES = 1_000;

/** One line of text without control characters, so that a terminal and a report can quote it. */
const sentence = z
  .string()
  .regex(/^\S\P{Cc}*$/u, 'expected a sentence on one line')
  .max(500);

const amount = z
  .union(
    [
      z.int().min(1).max(MAX_WORKERS).meta({ title: 'Number' }),
      share
        .refine((part) => part > 0)
        .transform((part) => ({ share: part }))
        .meta({ title: 'Share' }),
    ],
    {
      error: ({ input }) =>
        expectedButFound(`how many: a number from 1 to ${MAX_WORKERS}, or a share such as 50%`, input),
    },
  )
  .describe('How many, or which share of the nodes that qualify, but at least one. The seed of the run decides which.');

const amountOrMajority = z.union(
  [amount.meta({ title: 'Amount' }), z.literal('majority').meta({ title: 'majority' })],
  {
    error: ({ input }) =>
      expectedButFound(`how many: a number from 1 to ${MAX_WORKERS}, a share such as 50%, or majority`, input),
  },
);

const shardRef = z
  .string({ error: ({ input }) => expectedButFound(SHARD_REF, input) })
  .regex(/^(room [1-9]\d{0,8}|shard [A-Z]{1,4})$/, { error: ({ input }) => expectedButFound(SHARD_REF, input) })
  .meta({ examples: ['room 42', 'shard A'] })
  .transform((text) => {
    const [kind, which] = text.split(' ') as [string, string];
    const ref = kind === 'room' ? { partitionKey: Number(which) } : { partition: partitionIndex(which) };
    return { ...ref, written: text } as PartitionRef;
  });
const SHARD_REF = 'a room or a shard such as "room 42" or "shard A"';

export const selectors = {
  role: z.strictObject({ role: z.literal('worker').describe('Which nodes to pick from.'), pick: amount }),
  movingRole: z.strictObject({
    role: z.enum(MOVING_ROLES).describe('The nodes with this role when the fault strikes.'),
    pick: amountOrMajority.optional().describe('How many of them, all by default; majority counts all members.'),
  }),
  purpose: z.strictObject({
    role: z.enum(BESIDE).describe('Nodes other than PostgreSQL servers: members of the DCS, the proxy, the pooler.'),
    pick: amountOrMajority.optional().describe('How many of them, all by default; majority counts these nodes.'),
  }),
  holding: z.strictObject({
    'holds-shard-of': shardRef.describe('Workers with a copy of the shard of this room, or of this shard.'),
    pick: amount.optional(),
  }),
  notHolding: z.strictObject({
    'not-holding': shardRef.describe('Workers without a copy of it.'),
    pick: amount.optional(),
  }),
  fatalPair: z.strictObject({
    pick: z.literal('fatal-pair').describe('Two workers that hold all copies of some shard.'),
  }),
} as const;

const target = z
  .union([
    z.string(),
    z.array(z.string()).min(1),
    selectors.role,
    selectors.movingRole,
    selectors.purpose,
    selectors.holding,
    selectors.notHolding,
    selectors.fatalPair,
  ])
  .describe('A node, a list of nodes, or a selector such as { role: worker, pick: 1 }.')
  .meta({
    id: 'Target',
    title: 'Target',
    examples: [
      'worker1',
      ['worker2', 'worker3'],
      { role: 'worker', pick: 1 },
      { role: 'worker', pick: '50%' },
      { role: 'primary' },
      { role: 'standby', pick: 1 },
      { role: 'dcs', pick: 'majority' },
      { 'holds-shard-of': 'room 42', pick: 1 },
      { 'not-holding': 'shard A' },
      { pick: 'fatal-pair' },
    ],
  });

/** When a fault strikes, for how long and how often. */
export const timing = z.strictObject({
  at: duration.prefault('0s').describe('When it strikes, after the start of the fault phase.'),
  for: positiveDuration.describe('How long it lasts, from when it is in effect until it is undone.'),
  repeat: z
    .strictObject({
      times: z.int().min(1).max(MAX_STEPS).describe('How often it strikes in all.'),
      every: positiveDuration.describe('From one strike to the next.'),
    })
    .optional()
    .describe('It strikes several times; nodes are picked anew each time.'),
  'at-jitter': duration.optional().describe("Delays each strike by a random time up to this, from the run's seed."),
});

/** The same for a fault that ends by itself. */
const ownTiming = timing.omit({ for: true });

/** The sections that depend only on the names of platforms and engines. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: every key that authors write, as one value.
export function sections({
  platforms,
  engines,
}: {
  readonly platforms: ScenarioVocabulary['platforms'];
  readonly engines: readonly Pick<Engine, 'name'>[];
}) {
  return {
    name: z
      .string()
      .max(100)
      .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected a name in kebab-case such as one-worker')
      .optional()
      .describe('In kebab-case, at most 100 letters; by default that of the file, without .yaml.')
      .meta({ examples: ['one-worker'] }),
    summary: sentence.describe('One sentence: what happens, and what is expected.'),
    claim: sentence.optional().describe('The claim that the run tests, quoted in the report.'),
    tags: z
      .array(
        z
          .string()
          .max(40)
          .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected a word in kebab-case such as nightly'),
      )
      .max(20)
      .optional()
      .describe('Words to select it by: `--tag nightly` runs the scenarios with this tag.')
      .meta({ examples: [['nightly']] }),
    /** The keys that every engine has; the engine reads the others. */
    cluster: z
      .looseObject({
        platform: z
          .enum(['auto', ...platforms.map(({ name }) => name)])
          .default('auto')
          .describe('Where nodes run.'),
        engine: z
          .enum(['auto', ...engines.map(({ name }) => name)])
          .default('auto')
          .describe('What makes the nodes one cluster.'),
        attach: z
          .string()
          .regex(
            /^[a-z0-9][a-z0-9_-]*$/,
            'expected the name of a Compose project such as citus, or the file of an inventory such as inventory.yaml',
          )
          .optional()
          .describe('An existing cluster, by its Compose project or inventory. pgquake creates and removes nothing.'),
        confirm: z
          .string()
          .optional()
          .describe("The cluster's name as in the inventory; pgquake breaks nothing without it."),
      })
      .prefault({})
      .describe('The cluster for the run.'),
    probes: z
      .strictObject({
        rate: rate
          .optional()
          .describe(
            `Reads, and as many writes, per shard, below a common limit; ${PROBE_RATE}/s by default, ${LIGHT_PROBE_RATE}/s on an inventory's cluster.`,
          ),
        deadline: positiveDuration.prefault('2s').describe('For each probe.'),
        routes: z
          .array(z.string())
          .min(1)
          .max(MAX_PROBED_ROUTES)
          .optional()
          .describe('Routes to probe side by side; by default the one that statements without a route take.'),
      })
      .prefault({})
      .describe('The lightest read and write of every shard, which time outages and brownouts; or off.'),
    pressure: z
      .strictObject({
        connections: z.int().min(1).max(64).default(8).describe('Number of connections.'),
        depth: z.int().min(1).max(1_000).default(32).describe('Statements in flight per connection.'),
        writes: share.prefault('10%').describe('The share that adds a row; the others read one.'),
      })
      .optional()
      .describe('Reads and writes as fast as the servers answer, beside the load; counted but not judged.'),
    'steady-state': z
      .strictObject({ for: positiveDuration.describe('How long.') })
      .prefault({ for: '2s' })
      .describe('The load alone, before the first fault: the baseline for service.'),
    settle: z
      .strictObject({ within: positiveDuration.describe('The limit.') })
      .prefault({ within: '30s' })
      .describe('After healing: how long service and replicas may take to be back to normal.'),
    guards: z
      .strictObject({
        'max-down': z
          .int()
          .min(0)
          .max(MAX_WORKERS + 1)
          .optional()
          .describe('How many nodes may be struck at once; a plan that would strike more is refused.'),
        limit: positiveDuration.optional().describe('Time for the whole run, which then heals and ends.'),
        'abort-when': z
          .array(
            z.strictObject({
              of: z.string().describe('A kind of operation of the workload, such as write.'),
              below: share.describe('The share of its operations that must be ok.'),
              for: positiveDuration.prefault('5s').describe('How long it may stay below.'),
            }),
          )
          .max(MAX_STEPS)
          .optional()
          .describe('When one of these holds, pgquake heals the faults and goes on to the final reads.'),
      })
      .optional()
      .describe('Limits that end or refuse a run.'),
    seed: z
      .int()
      .min(0)
      .max(MAX_SEED)
      .optional()
      .describe('Repeats the random choices of an earlier run; by default every run draws a new seed.'),
  };
}

/** The top-level keys of a scenario, in reading order. */
export const TOP_KEYS = [
  'name',
  'summary',
  'claim',
  'tags',
  'cluster',
  'workload',
  'probes',
  'pressure',
  'steady-state',
  'faults',
  'settle',
  'guards',
  'hypothesis',
  'seed',
] as const;

export function timingOf(fault: Pick<Fault, 'strikes'>): typeof timing | typeof ownTiming {
  return fault.strikes ? ownTiming : timing;
}

/**
 * The published JSON Schema (draft 2020-12) of a scenario, for editors. It offers the names of the vocabulary with
 * their parameters, and allows other names, because a team may have its own variants.
 */
export function scenarioJsonSchema(vocabulary: ScenarioVocabulary): Record<string, unknown> {
  const { faults, checks, workloads } = vocabulary;
  const {
    name,
    summary,
    claim,
    tags,
    settle,
    guards,
    seed,
    probes,
    pressure,
    'steady-state': steadyState,
  } = sections(vocabulary);
  const scenario = z
    .strictObject({
      name,
      summary,
      claim,
      tags,
      cluster: clusterSection(vocabulary),
      workload: anyOf([
        ...workloads.map((workload, index) => variant('use', workload, { isDefault: index === 0 })),
        otherVariant('use', 'workload', workloads),
      ])
        .optional()
        .describe(`What reads and writes while faults strike; ${workloads[0]?.name} by default.`),
      probes: z
        .union([z.literal('off').meta({ title: 'off' }), probes.meta({ title: 'probes' })])
        .optional()
        .describe('How often every shard is probed, or off.'),
      pressure,
      'steady-state': steadyState,
      faults: z
        .array(
          anyOf([
            ...faults.map((fault) => variant('fault', fault, { beside: { target, ...timingOf(fault).shape } })),
            otherVariant('fault', 'fault', faults, { target, ...timing.partial().shape }),
          ]),
        )
        .max(MAX_STEPS)
        .optional()
        .describe('What breaks, where, when and for how long; [] for a control run.'),
      settle,
      guards,
      hypothesis: z
        .array(anyOf([...checks.map((check) => variant('check', check)), otherVariant('check', 'check', checks)]))
        .min(1)
        .max(MAX_STEPS)
        .describe('What must hold. The run passes if all checks do.'),
      seed,
    })
    .meta({
      title: 'pgquake scenario',
      description: 'Breaks nodes of a PostgreSQL cluster under load, and says what must survive.',
    });
  return z.toJSONSchema(scenario, { io: 'input', target: 'draft-2020-12' }) as Record<string, unknown>;
}

interface Variant {
  readonly name: string;
  readonly summary: string;
  readonly params: z.ZodType;
}

interface VariantOptions {
  /** Other keys in the same mapping. */
  readonly beside?: z.core.$ZodLooseShape;
  /** The variant that is used where the scenario names none. */
  readonly isDefault?: boolean;
}

/** One variant with its own parameters, chosen by the word under `key`. */
function variant(key: string, { name, summary, params }: Variant, options: VariantOptions = {}): z.ZodType {
  if (!(params instanceof z.ZodObject)) throw new Error(`the parameters of ${name} are not an object`);
  const word = options.isDefault ? z.literal(name).default(name) : z.literal(name);
  const shape = { [key]: word.describe(summary), ...options.beside, ...params.shape };
  return z.strictObject(shape).meta({ title: name, description: summary });
}

/** A team's own variant: any name outside the vocabulary, with any other keys. */
function otherVariant(
  key: string,
  kind: string,
  known: readonly Pick<Variant, 'name'>[],
  beside: z.core.$ZodLooseShape = {},
): z.ZodType {
  return z
    .looseObject({ [key]: otherName(kind, known), ...beside })
    .meta({ title: `your own ${kind}`, description: `A ${kind} from pgquake.config.ts.` });
}

function otherName(kind: string, known: readonly Pick<Variant, 'name'>[]): z.ZodType {
  const description = `The name of your own ${kind}.`;
  return z.string().meta({ not: { enum: known.map(({ name }) => name) }, description });
}

/** The section `cluster`: with the keys of all shipped engines for a shipped engine, with any keys for a team's own. */
function clusterSection({ platforms, engines }: Pick<ScenarioVocabulary, 'platforms' | 'engines'>): z.ZodType {
  const section = sections({ platforms, engines }).cluster;
  const { shape } = section.unwrap();
  const platform = z
    .union([
      z.enum(['auto', ...platforms.map(({ name }) => name)]).meta({ title: 'platform of pgquake' }),
      z.string().meta({ title: 'your own platform' }),
    ])
    .default('auto')
    .describe(shape.platform.description ?? '');
  const attach = anyOf([
    shape.attach.unwrap().meta({ title: 'Compose project' }),
    z
      .string()
      .regex(/\.ya?ml$/)
      .meta({ title: 'File of an inventory' }),
    inventorySchema.meta({ title: 'Inventory' }),
  ])
    .optional()
    .describe('An existing cluster: a Compose project, an inventory or its file. Nothing is made or removed.');
  const shipped = z
    .strictObject({ ...keysOfAll(engines), ...shape, platform, attach })
    .meta({ title: 'engine of pgquake' });
  const word = otherName('engine', engines);
  const own = z.looseObject({ engine: word, platform, attach }).meta({ title: 'your own engine' });
  return z
    .union([shipped, own])
    .optional()
    .describe(section.description ?? '');
}

/** Each key once; the description of a key that several engines have names each engine. */
function keysOfAll(engines: ScenarioVocabulary['engines']): z.core.$ZodLooseShape {
  const owners = new Map<ClusterKeys, string>([[WORKER_KEYS, '']]);
  for (const { name, keys } of engines) if (keys) owners.set(keys, name);
  const found = [...owners].flatMap(([{ params }, engine]) =>
    Object.entries(params.shape).map(([key, schema]) => ({ key, engine, schema: schema as z.ZodType })),
  );
  return Object.fromEntries(
    [...Map.groupBy(found, ({ key }) => key)].map(([key, same]) => {
      const [only] = same;
      if (only && same.length === 1) return [key, only.schema];
      const words = same.map(({ engine, schema }) => `${engine}: ${schema.description ?? ''}`).join(' ');
      return [key, anyOf(same.map(({ engine, schema }) => schema.meta({ title: engine }))).describe(words)];
    }),
  );
}

function anyOf(schemas: readonly z.ZodType[]): z.ZodType {
  return z.union(schemas as readonly [z.ZodType, ...z.ZodType[]]);
}

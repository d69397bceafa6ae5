/**
 * The schema of `report.json`; `schema/report.schema.json` is generated from it. If it and the type `Report` differ,
 * the check at the end does not compile.
 */

import { z } from 'zod';
import { OBSERVATIONS, PHASES } from './event.ts';
import { REPORT_VERSION, type Report } from './report.ts';
import { REQUIREMENTS } from './requirements.ts';
import { MOVING_ROLES } from './roles.ts';
import { PURPOSES } from './topology.ts';

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const at = z.number().describe("Milliseconds on the run's clock.");
const durationMs = z.number().min(0);
const names = z.array(z.string());
const judgement = z.enum(['pass', 'fail', 'unknown']).meta({ id: 'Judgement' });
const span = z.enum(['steady-state', 'fault', 'settle']).meta({ id: 'Span' });

const timeRange = z.object({ fromMs: at, toMs: at }).meta({ id: 'TimeRange' });

const partition = z
  .object({
    index: count.describe('From 0, in the order of the hash ranges.'),
    name: z.string(),
    copies: names.describe('The nodes that hold it; reads ask the first one first.'),
  })
  .meta({ id: 'Partition' });

const stalled = z
  .array(z.enum(['read', 'write']))
  .describe('What waits for a frozen node instead of failing at once, and misses its deadline.');

const partitionPrediction = z
  .object({
    partition: z.string(),
    readable: z.boolean(),
    writable: z.boolean(),
    outMs: durationMs.exactOptional().describe('Other nodes take over within this time.'),
    stalled: stalled.exactOptional(),
  })
  .meta({ id: 'PartitionPrediction' });

const node = z
  .object({
    name: z.string(),
    role: z.string().describe('Its fixed role, as its engine names it.'),
    address: z.string().describe('As pgquake reached it.'),
    version: z.string().describe('As the server reports it.'),
    settings: z
      .record(z.string(), z.string())
      .exactOptional()
      .describe('Settings that affect figures and safety, as the server shows them.'),
  })
  .meta({ id: 'Node' });

const operationKind = z.object({
  name: z.string(),
  access: z.enum(['read', 'write']),
  scope: z.enum(['partition', 'all']),
  ratePerSecond: z.number().min(0),
  deadlineMs: durationMs,
  schedule: z.enum(['constant', 'poisson']).optional(),
  maxConnections: count.optional(),
  route: z.string().optional().describe('The route to the data; the main one if absent.'),
});

const run = z.object({
  id: z.string().describe("The name of the run's folder."),
  scenario: z.string(),
  summary: z.string(),
  claim: z.string().exactOptional().describe('The claim under test.'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  startedAt: z.string().describe("Wall clock at the run's zero, ISO 8601 in UTC."),
  pgquakeVersion: z.string(),
  nodeVersion: z.string(),
  keyWord: z.string().exactOptional().describe("The workload's word for a partition key."),
  kinds: z.array(operationKind),
  probes: z.array(
    operationKind.extend({
      scope: z.literal('partition'),
      ratePerSecond: z.number().min(0).describe('For each partition.'),
      connection: z.enum(['pooled', 'fresh']),
    }),
  ),
  messages: count.describe('Messages of the initial data set.'),
  rows: z
    .object({ table: z.string(), columns: z.string(), key: z.string() })
    .exactOptional()
    .describe('Where to find the rows of the keys.'),
  lacks: z.array(z.enum(REQUIREMENTS)).exactOptional().describe('What checks may require but this run lacks.'),
  plannedActs: count,
  fitted: share.exactOptional().describe("The share of the scenario's rates that --fit reduced the load to."),
  attempt: z
    .object({ number: count, most: count })
    .exactOptional()
    .describe('Which of the attempts that --retries allows.'),
  machine: z
    .object({ system: z.string(), processors: count, memoryBytes: count, loadAverage: z.number().min(0) })
    .exactOptional()
    .describe("pgquake's own machine: kernel, processors, memory, load of the minute before the run."),
  realtime: z.literal(true).exactOptional().describe('Set if the threads of load and probes ran at realtime priority.'),
  again: z.string().describe('The command line that runs it again.'),
});

const result = z
  .object({
    check: z.string(),
    params: z.record(z.string(), z.unknown()).describe('As written in the scenario.'),
    always: z.boolean().describe('Whether every run makes the check.'),
    tells: z
      .enum(['figure', 'readable', 'end'])
      .exactOptional()
      .describe('What its words add to the finding beside the verdict.'),
    answers: z
      .enum(['availability', 'outage', 'loss', 'healing'])
      .exactOptional()
      .describe('The figure at the head of a report that the check limits.'),
    place: z.string().exactOptional().describe('file:line in the scenario.'),
    judgement,
    expected: z.string(),
    observed: z.string(),
    evidence: names,
    excuses: z
      .array(z.object({ fromMs: z.number(), toMs: z.number() }))
      .exactOptional()
      .describe('The check passes, but failures in these times are not held against the cluster.'),
  })
  .meta({ id: 'Result' });

const act = z
  .object({
    index: count,
    fault: z.string(),
    targets: names.describe('Empty if they were to be picked during the run, and never were.'),
    atStrike: z
      .object({
        role: z.enum(MOVING_ROLES),
        draw: count.describe('Decides which nodes are picked.'),
        which: z.array(count).describe('Positions among the picked nodes, from 0.'),
        all: z.literal(true).exactOptional().describe('Set if the fault strikes all nodes with the role.'),
      })
      .exactOptional()
      .describe('Set if the targets are nodes that have a role when the fault strikes.'),
    picked: z.string().exactOptional().describe('The nodes that the targets were picked from.'),
    atMs: durationMs.describe('From the start of the fault phase.'),
    forMs: durationMs,
    after: z
      .object({ act: count, gapMs: durationMs })
      .exactOptional()
      .describe('Set on a repeated strike: the act that must be healed first, and the time in between.'),
    params: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Act' });

const ranges = z.string().regex(/^(-?\d{1,10}(-\d{1,10})?(,(?!$)|$))*$/);

const readSummary = z
  .object({
    rows: count,
    present: z.record(z.string(), ranges).describe('Writer -> ranges of sequence numbers.'),
    duplicated: names,
    corrupted: z.array(z.object({ key: z.string(), found: z.string(), expected: z.string() })),
  })
  .meta({ id: 'ReadSummary' });

const hostLoad = {
  busy: share.describe('Of all processors together.'),
  stolen: share.describe('Processor time that the hypervisor gave to other machines.'),
  runnable: z.number().min(0).exactOptional().describe('Tasks that ran or waited for a processor, on average.'),
  pressure: z
    .object({ cpu: share.exactOptional(), memory: share.exactOptional(), io: share.exactOptional() })
    .exactOptional()
    .describe('The share of time in which a task waited for each resource.'),
  lateMs: durationMs.describe("The longest delay of pgquake's main thread."),
};

const witnessedRole = {
  role: z.enum(['primary', 'standby']).describe('As the node itself reports it.'),
  timeline: count.exactOptional().describe('Only of a primary.'),
};

const phase = z.enum(PHASES);
const ofAct = { at, act: count };

const nodeState = z.enum(['running', 'paused', 'stopped']);

const prepared = z.object({
  node: z.string(),
  gid: z.string(),
  ageMs: z.number(),
  relations: names.exactOptional().describe('The relations of the data set that it wrote.'),
});

const lostThing = z
  .union([
    z.object({
      what: z.enum(['node', 'server', 'agent', 'postmaster']),
      how: z.enum(['killed', 'stopped', 'frozen']),
      node: z.string(),
    }),
    z.object({ what: z.literal('role'), node: z.string() }).describe('The node hands over its role.'),
    z
      .object({ what: z.literal('manager'), node: z.string() })
      .describe(
        'The manager is paused and replaces no lost primary; the node is the one that pgquake asked to pause it.',
      ),
    z.object({
      what: z.literal('links'),
      node: z.string(),
      from: names.describe('The nodes at the other end.'),
      clients: z.literal(true).exactOptional().describe('Set if clients cannot reach it either.'),
    }),
  ])
  .meta({ id: 'Lost' });

const bound = durationMs.nullable();
const why = z.string().describe('The reasoning, in words.');
const promised = z
  .object({
    writesOut: z.array(
      z.object({
        route: z.string(),
        minMs: bound.describe('null: until the loss is healed.'),
        maxMs: bound.describe('null: until the loss is healed, or longer.'),
        beginsWithinMs: durationMs
          .exactOptional()
          .describe('Set if it lasts until healed: it begins within this time.'),
        why,
      }),
    ),
    lost: z
      .object({
        beforeMs: bound.describe(
          'How long before the loss they may have been acknowledged; null: no setting bounds it.',
        ),
        beforeBytes: count.exactOptional().describe('In addition, this much WAL, in bytes.'),
        afterMs: bound.describe('How long after the loss they may be acknowledged; null: until healed, or longer.'),
        why,
      })
      .describe('Acknowledged writes at risk: only those of the primary at the loss.'),
    twoPrimaries: z.object({ maxMs: bound.describe('0: never. null: until the loss is healed.'), why }),
    primary: z.string().exactOptional(),
  })
  .describe("What the cluster's settings promise for a loss.")
  .meta({ id: 'Promised' });

const event = z
  .discriminatedUnion('type', [
    z.object({ at, type: z.literal('phase-started'), phase }),
    z.object({ at, type: z.literal('phase-ended'), phase }),
    z.object({
      at,
      type: z.literal('platform-chosen'),
      platform: z.string(),
      engine: z.string(),
      reason: z.string(),
    }),
    z.object({
      at,
      type: z.literal('cluster-formed'),
      platform: z.string(),
      engine: z.string(),
      reason: z.string(),
      nodes: z.array(node),
      about: z
        .array(z.object({ name: z.string(), value: z.string() }))
        .exactOptional()
        .describe('What the nodes run on.'),
      placement: z.object({
        partitions: z.array(partition),
        partitionOfKey: z.record(z.string(), count).describe('Partition key -> index of its partition.'),
        partitionWord: z.string().exactOptional(),
        entry: z.string().exactOptional().describe('The node that every statement passes.'),
        writesAlsoNeed: z.string().exactOptional(),
      }),
      routes: z
        .array(z.object({ name: z.string(), access: z.enum(['read', 'write']) }))
        .exactOptional()
        .describe('The routes to the data; the first that takes writes is the default.'),
    }),
    z.object({
      at,
      type: z.literal('targets-picked'),
      acts: z.array(z.object({ act: count, fault: z.string(), targets: names, picked: z.string().exactOptional() })),
    }),
    z.object({
      at,
      type: z.literal('predicted'),
      down: names,
      frozen: names.exactOptional(),
      partitions: z.array(partitionPrediction),
    }),
    z.object({
      ...ofAct,
      type: z.literal('promised'),
      lost: z.array(lostThing).describe('Everything that is lost once this act strikes.'),
      promise: promised,
    }),
    z.object({
      ...ofAct,
      type: z.literal('fault-asked'),
      fault: z.string(),
      targets: names,
      picked: z.string().exactOptional(),
      effect: z.enum(['down', 'frozen']).exactOptional(),
      state: z.string().exactOptional(),
    }),
    z.object({ ...ofAct, type: z.literal('fault-in-effect'), proof: z.string() }),
    z.object({ ...ofAct, type: z.literal('fault-failed'), error: z.string() }),
    z.object({ ...ofAct, type: z.literal('fault-met'), counts: z.record(z.string(), z.number()), of: z.string() }),
    z.object({ ...ofAct, type: z.literal('fault-met-failed'), error: z.string() }),
    z.object({ ...ofAct, type: z.literal('heal-asked') }),
    z.object({ ...ofAct, type: z.literal('healed'), proof: z.string() }),
    z.object({ ...ofAct, type: z.literal('heal-failed'), error: z.string() }),
    z.object({ at, type: z.literal('final-read'), route: z.string(), read: readSummary }),
    z.object({
      at,
      type: z.literal('placement-read'),
      partition: z.string(),
      node: z.string(),
      relation: z.string().exactOptional(),
      read: readSummary,
    }),
    z.object({
      at,
      type: z.literal('read-in-doubt'),
      node: z.string().exactOptional(),
      partition: z.string().exactOptional(),
      relation: z.string().exactOptional(),
      read: readSummary,
    }),
    z.object({
      at,
      type: z.literal('recovery-awaited'),
      preparedTransactions: z.array(prepared),
      limitMs: durationMs,
      thenAskedForMs: durationMs.exactOptional(),
    }),
    z.object({
      at,
      type: z.literal('recovery-ended'),
      ended: z.array(
        z.object({ node: z.string(), gid: z.string(), preparedAt: z.number(), endedAt: z.number(), keys: names }),
      ),
      left: z.array(prepared),
      waitedMs: durationMs,
      askedAt: z.number().exactOptional(),
      error: z.string().exactOptional(),
    }),
    z.object({ at, type: z.literal('healing-verified'), left: names, advice: z.string().exactOptional() }),
    z.object({
      at,
      type: z.literal('leftovers'),
      preparedTransactions: z.array(prepared),
      idleSlots: z
        .array(z.object({ node: z.string(), name: z.string(), keptBytes: z.number() }))
        .exactOptional()
        .describe('Replication slots without a reader.'),
    }),
    z.object({
      at,
      type: z.literal('work-of-workers'),
      workers: z.array(z.object({ node: z.string(), reads: count, writes: count })),
    }),
    z.object({
      at,
      type: z.literal('storage'),
      oneCopyBytes: count,
      copies: z.array(z.object({ partition: z.string(), node: z.string(), bytes: count })),
    }),
    z.object({
      at,
      type: z.literal('read-scaling'),
      cores: count,
      steps: z.array(z.object({ workers: count, served: names, ok: count, failed: count, forMs: durationMs })),
    }),
    z.object({ at, type: z.literal('observation-failed'), observation: z.enum(OBSERVATIONS), error: z.string() }),
    z.object({ at, type: z.literal('repair'), away: names, commands: z.array(z.string()) }),
    z.object({ at, type: z.literal('final-read-failed'), source: z.string(), error: z.string() }),
    z.object({ at, type: z.literal('replicas-compared'), agree: z.boolean(), waitedMs: durationMs }),
    z.object({
      at,
      type: z.literal('load-kept'),
      of: z.literal('probes').optional(),
      writer: count.exactOptional().describe("The writer of this run's messages."),
      intended: count,
      unsent: count,
      latenessP99Ms: z.number(),
      latenessMaxMs: z.number(),
      eventLoopDelayMaxMs: z.number(),
      stalls: z.array(z.object({ fromMs: z.number(), toMs: z.number() })).optional(),
    }),
    z.object({
      at,
      type: z.literal('witness-saw'),
      node: z.string(),
      ...witnessedRole,
      sinceMs: z.number().exactOptional().describe('When the node last answered otherwise.'),
    }),
    z.object({ at, type: z.literal('witness-kept'), intended: count }),
    z.object({
      at,
      type: z.literal('probes-read'),
      present: z.record(z.string(), z.string()),
      onPrimaries: z.record(z.string(), z.string()).optional(),
    }),
    z.object({
      at,
      type: z.literal('witness-read'),
      node: z.string(),
      ...witnessedRole,
      present: z.record(z.string(), ranges).describe('Number of the node that acknowledged -> sequence numbers.'),
    }),
    z.object({
      at,
      type: z.literal('host'),
      forMs: durationMs.describe('Length of the sample, which ends with the event.'),
      ...hostLoad,
    }),
    z.object({ at, type: z.literal('pressure'), ok: count, failed: count, forMs: durationMs }),
    z.object({
      at,
      type: z.literal('reclaimed'),
      of: z.string().describe('Folder of the killed run that had made the cluster.'),
      when: z.string().describe('Time of day, ISO 8601 in UTC.'),
      removed: names,
      voided: names.describe('Undos that were still open and no longer matter.'),
      undone: names.optional().describe('On a cluster that pgquake did not make: the proof that its nodes work again.'),
    }),
    z.object({ at, type: z.literal('reclaim-failed'), of: z.string(), error: z.string() }),
    z.object({
      at,
      type: z.literal('load-fitted'),
      share,
      kinds: z.array(z.object({ name: z.string(), ratePerSecond: z.number().min(0) })),
    }),
    z.object({ at, type: z.literal('guard-tripped'), reason: z.string() }),
    z.object({
      at,
      type: z.literal('roles-seen'),
      roles: z.record(
        z.string(),
        z.object({
          role: z.enum([...MOVING_ROLES, 'unknown']),
          timeline: count.exactOptional().describe('The timeline of its log.'),
          receivedLsn: z.string().exactOptional().describe('The end of its log.'),
          state: z.string().exactOptional(),
        }),
      ),
    }),
    z.object({
      at,
      type: z.literal('failover'),
      step: z.enum(['noticed', 'elected', 'promoted', 'gave-up']),
      from: z.string(),
      to: z.string().exactOptional(),
      detail: z.string(),
    }),
    z.object({ at, type: z.literal('fork-read'), node: z.string(), timeline: count, read: readSummary }),
    z
      .object({
        at,
        type: z.literal('node-changed'),
        node: z.string(),
        from: nodeState.or(z.literal('silent')),
        to: nodeState.or(z.literal('silent')),
        sinceMs: z.number(),
        detail: z.string(),
      })
      .meta({ description: 'A change of a node without an act of the run.' }),
    z.object({ at, type: z.literal('interrupted'), reason: z.string() }),
    z.object({ at, type: z.literal('run-failed'), error: z.string() }),
  ])
  .meta({ id: 'Event' });

const availability = z
  .object({
    intended: count.describe('Operations that were due by the schedule, without the unsent ones.'),
    ok: count,
    fail: count,
    unknown: count,
    unsent: count.describe("Not sent, because of the client's own limits; not held against the cluster."),
    share: share.nullable().describe('ok / intended; null if nothing was intended.'),
  })
  .meta({ id: 'Availability' });

const latency = z
  .object({
    count,
    p50Ms: durationMs,
    p90Ms: durationMs,
    p99Ms: durationMs,
    p999Ms: durationMs,
    p9999Ms: durationMs.exactOptional(),
    maxMs: durationMs,
  })
  .meta({ id: 'Latency' });

const sourceFigures = z.object({
  outageMs: durationMs.describe('The total of its outages of the kind.'),
  brownoutMs: durationMs,
  ok: count,
  tried: count.describe('In the fault span.'),
});

const seenMoment = z
  .object({ atMs: at, uncertaintyMs: durationMs.describe('It may have been up to this much earlier.') })
  .meta({ id: 'SeenMoment' });

const roleFigures = z.object({
  witness: z
    .array(
      z.object({
        node: z.string(),
        acknowledged: count,
        lost: count.nullable().describe('Of those, missing on the final primary; null if that could not be read.'),
        lostForMs: durationMs.describe('From the first to the last acknowledgement of a lost row.'),
      }),
    )
    .describe('What each node acknowledged to the witness.'),
  lost: z
    .array(
      z.object({
        node: z.string().nullable().describe('null: pgquake saw them on no node.'),
        timeline: count.exactOptional(),
        count,
        firstMs: at,
        lastMs: at,
      }),
    )
    .describe('Lost acknowledged writes of the load, by the node that had them before it was rewound.'),
  twoPrimaries: z
    .array(
      z.object({
        fromMs: at,
        toMs: at,
        atLeastMs: durationMs.describe('0: it may have been a handover.'),
        atMostMs: durationMs,
        sides: z.array(
          z.object({
            node: z.string(),
            timeline: count.exactOptional(),
            acknowledged: count,
            lost: count.nullable(),
            rows: names.describe(
              "The first keys of the lost rows, or of all rows if none is lost: the node's number and a sequence number.",
            ),
          }),
        ),
      }),
    )
    .describe('Times in which two nodes acknowledged writes.'),
  takeovers: z
    .array(
      z.object({
        from: z.string().exactOptional(),
        to: z.string(),
        timeline: count.exactOptional(),
        sinceMs: at.describe('The fault in effect, or requested if the fault itself made the new primary.'),
        act: count,
        failed: seenMoment.exactOptional().describe('The first write of the load that failed.'),
        noticedMs: at.exactOptional(),
        electedMs: at.exactOptional(),
        promoted: seenMoment.describe('The new primary accepted writes.'),
        reached: z
          .array(z.object({ kind: z.string(), route: z.string().exactOptional(), moment: seenMoment.nullable() }))
          .describe('For each kind of write, the first that the new primary acknowledged; null if none.'),
      }),
    )
    .describe('One node replaced another as the primary.'),
});

const window = z.object({
  type: z.enum(['outage', 'brownout']),
  kind: z.string(),
  partition: z.string().exactOptional().describe('Set if the window is of one partition.'),
  seenBy: z.enum(['probes', 'load']),
  fromMs: at,
  toMs: at,
  durationMs,
  uncertaintyMs: durationMs.describe('The error of the duration, plus or minus.'),
  open: z
    .literal(true)
    .exactOptional()
    .describe('Set if it was still open when the load stopped: it lasted at least this long.'),
  ok: count,
  failed: count,
});

const losses = z
  .object({ acknowledged: count, lost: count })
  .nullable()
  .describe('null: none were acknowledged, or no final read was made.');

const routeFigures = z.object({
  route: z.string(),
  access: z.enum(['read', 'write']),
  seenBy: z.enum(['probes', 'load']),
  spacingMs: durationMs.describe('Between two probes, or two operations of the load.'),
  windows: z.array(window),
  fault: availability.describe('In the fault span.'),
  latency: latency.nullable().describe('In the fault span, from the intended start, of those that succeeded.'),
  lost: z.object({ load: losses, probes: losses }).exactOptional().describe('Set for writing.'),
});

const promiseFigures = z.object({
  act: count,
  fault: z.string(),
  fromMs: at,
  lastedMs: durationMs.describe('Until healing was requested, or another act struck.'),
  lost: z.array(lostThing),
  promise: promised,
  writesOut: z
    .array(
      z.object({
        route: z.string(),
        outMs: durationMs.nullable().describe('null: nothing was written by it.'),
        uncertaintyMs: durationMs.exactOptional(),
        seenBy: z.enum(['probes', 'load']).exactOptional(),
        fromMs: at.exactOptional(),
        open: z.literal(true).exactOptional().describe('Set if it was still open: it lasted at least this long.'),
      }),
    )
    .describe('The longest write outage that began during the loss.'),
  lostWrites: z
    .object({
      before: count.describe('Acknowledged before the loss by the primary at the loss.'),
      beforeMs: durationMs,
      after: count.describe('Acknowledged by the same node after the loss.'),
      afterMs: durationMs.describe('From the first to the last of them.'),
      others: z
        .array(z.object({ node: z.string(), count, firstMs: at, lastMs: at }))
        .describe('Acknowledged by other nodes after the loss; the promise puts none of these at risk.'),
    })
    .nullable()
    .describe('Lost acknowledged writes; null if no final read was made.'),
  twoPrimaries: z
    .object({ atLeastMs: durationMs, atMostMs: durationMs })
    .nullable()
    .describe('null if the witness could not see.'),
});

const figures = z.object({
  spans: z.object({
    'steady-state': timeRange.exactOptional(),
    fault: timeRange.exactOptional(),
    settle: timeRange.exactOptional(),
  }),
  host: z
    .object({
      processors: count,
      sampledMs: durationMs,
      starvedMs: durationMs,
      samples: z.array(
        z.object({
          fromMs: at,
          toMs: at,
          ...hostLoad,
          starved: z.string().exactOptional().describe('Why the machine was overloaded; absent if it was not.'),
        }),
      ),
    })
    .exactOptional()
    .describe('The machine that pgquake ran on, while the load ran.'),
  fullEffect: timeRange.exactOptional().describe('All faults in effect, healing of none requested.'),
  availability: z.array(z.object({ kind: z.string(), span, figures: availability })),
  latency: z
    .array(z.object({ kind: z.string(), span, figures: latency }))
    .describe('Of operations that ended ok, from the intended start.'),
  probes: z
    .array(z.object({ kind: z.string(), span, tried: count, ok: count, latency: latency.nullable() }))
    .describe('Over all partitions; latency from sent until settled, of those that succeeded.'),
  windows: z.array(window).describe('Of whole kinds, then of single partitions.'),
  routes: z.array(routeFigures).exactOptional().describe('Absent if there is only one.'),
  promises: z
    .array(promiseFigures)
    .exactOptional()
    .describe('What the settings promised for each loss, and what was seen.'),
  disagreements: z
    .array(
      z.object({
        kind: z.string(),
        toldBy: z.enum(['probes', 'load']).describe('The worse source, whose windows count.'),
        probes: sourceFigures,
        load: sourceFigures,
      }),
    )
    .exactOptional()
    .describe('Kinds on which probes and load disagree. Absent in reports of older versions.'),
  roles: roleFigures.exactOptional().describe('Of a cluster whose roles move.'),
  recovery: z
    .array(
      z.object({
        kind: z.string(),
        recoveryMs: durationMs.nullable().describe('From the fault in effect; 0: at once; null: not within the run.'),
        uncertaintyMs: durationMs,
        firstSuccessMs: durationMs
          .nullable()
          .exactOptional()
          .describe("From the fault in effect to the first success after the kind's first outage."),
        firstSuccessUncertaintyMs: durationMs.exactOptional(),
      }),
    )
    .describe('Empty if no fault took effect.'),
  partitions: z
    .array(
      z.object({
        partition: z.string(),
        copies: names,
        messages: count,
        readableMessages: count.describe('Read with the right content while all faults were in effect.'),
        untriedMessages: count.exactOptional().describe('Never tried then; absent if none.'),
        onlyScannedMessages: count
          .exactOptional()
          .describe('Not answered to reads by partition key, but returned by a scan; absent if none.'),
        predictedReadable: z.boolean().exactOptional(),
        predictedWritable: z.boolean().exactOptional(),
        predictedStalled: stalled.exactOptional(),
        read: availability,
        write: availability,
      }),
    )
    .describe('Seen while all faults were in effect.'),
  errors: z.array(
    z.object({
      kind: z.string(),
      outcome: z.enum(['fail', 'unknown', 'unsent']),
      code: z.string().describe("SQLSTATE, the socket's error code, or deadline."),
      text: z.string(),
      count,
      firstAtMs: at,
      lastAtMs: at,
    }),
  ),
  seconds: z
    .array(
      z.object({
        second: count,
        kind: z.string(),
        ok: count,
        failed: count,
        p50Ms: durationMs.nullable(),
        p99Ms: durationMs.nullable(),
        maxMs: durationMs.nullable(),
      }),
    )
    .describe('For each second of the run and each kind; latency of operations that ended ok, null without any.'),
});

const witnessed = z
  .object({
    count,
    witnesses: names.describe('The first few keys, writer:sequence.'),
    sql: names.exactOptional().describe('Statements that query them again, each with the node to ask.'),
  })
  .meta({ id: 'Witnessed' });

const ledger = z.object({
  written: count,
  acknowledged: count,
  unknown: count,
  unknownPresent: count.describe('Of the unknown ones, in a final read: committed.'),
  unknownAbsent: count
    .exactOptional()
    .describe('Of the unknown ones, in no final read although everything was read: not committed, or gone again.'),
  lost: witnessed.describe('Acknowledged, and in no final read.'),
  hidden: witnessed.exactOptional().describe('On a placement but not visible to clients.'),
  late: witnessed
    .extend({
      forMs: durationMs.nullable().describe('The longest time from an acknowledgement until the write was visible.'),
      prepared: z.array(z.object({ key: z.string(), node: z.string(), gid: z.string() })),
    })
    .meta({ id: 'LateWrites' })
    .exactOptional()
    .describe('Acknowledged, invisible while transactions were still prepared after the load, and visible in the end.'),
  receded: witnessed
    .exactOptional()
    .describe('Unknown, returned by a read of the load, and in no final read: committed, then lost.'),
  resurrected: witnessed.exactOptional().describe('Certainly failed, yet in a final read.'),
  unexpected: witnessed.exactOptional().describe('In a final read, but never sent.'),
  divergent: witnessed.exactOptional().describe('On some placements of their partition, missing on others.'),
  staleReads: witnessed.describe('Reads that missed a write acknowledged before they were sent.'),
  staleForMs: durationMs
    .nullable()
    .exactOptional()
    .describe('The longest time from an acknowledgement until a read that missed it was sent; null without one.'),
  readYourWrites: witnessed.exactOptional().describe('Written by a session, then missing in its reads.'),
  monotonicReads: witnessed.exactOptional().describe('Read by a session, then missing in its later reads.'),
  duplicated: witnessed,
  corrupted: witnessed,
  finalReads: z.boolean().describe('Without final reads nothing above is proven.'),
  unverifiedReads: z
    .literal(true)
    .exactOptional()
    .describe('Set if the workload does not verify what its reads return: the counts of reads then mean nothing.'),
});

/** Shared with the schemas of other files in a run's folder. */
export { act as actSchema, event as eventSchema, partition as partitionSchema, run as runSchema };

export const reportSchema = z.object({
  version: z.literal(REPORT_VERSION).describe('The version of this format.'),
  run: run.describe('Scenario, claim, seed, versions, kinds of operation, machine, the command that runs it again.'),
  judgement: judgement.describe('The worst of all results.'),
  finding: z.string().describe('One sentence.'),
  results: z
    .array(result)
    .describe('Each check: expected, observed, evidence; `always` marks those that every run makes.'),
  topology: z
    .object({
      nodes: z
        .array(z.object({ name: z.string(), role: z.string(), part: z.enum(PURPOSES) }))
        .describe('Each with its fixed purpose. entry: every statement passes it. data: it holds copies of rows.'),
      replication: count.describe('Copies of every partition.'),
      partitions: count,
      partitionWord: z
        .string()
        .exactOptional()
        .describe("The engine's word for a partition; absent if it does not divide rows."),
      platform: z.string().exactOptional(),
      engine: z.string().exactOptional(),
      reason: z.string().describe('Why pgquake chose this platform and engine.'),
      attach: z.string().exactOptional().describe('The existing cluster that the run attached to.'),
    })
    .describe('What the cluster is made of; platform and engine, and why pgquake chose them.'),
  nodes: z.array(node).describe('Each server with its address, version and settings.'),
  placement: z.array(partition).describe('Each partition with the nodes that hold a copy.'),
  acts: z.array(act).describe('The planned faults: which, on which nodes, when, for how long.'),
  durationMs: durationMs.describe('From the first event to the last.'),
  timeline: z.array(event).describe('The events, without the rows of the final reads.'),
  figures: figures.describe(
    'Spans, availability, latency, windows, recovery and the rest, all computed from the history.',
  ),
  ledger: ledger
    .nullable()
    .describe('The writes: acknowledged, unknown, lost, stale and so on; null if the workload has no ledger.'),
});

/** As stored by this version, or by version 1, which named platforms and engines from fixed lists. */
export const storedReportSchema = reportSchema.extend({ version: z.literal([1, REPORT_VERSION]) });

/** The JSON Schema (draft 2020-12) of `report.json`. It allows unknown properties, because a version may add some. */
export function reportJsonSchema(): Record<string, unknown> {
  return {
    $id: `urn:pgquake:report:${REPORT_VERSION}`,
    title: `pgquake report, version ${REPORT_VERSION}`,
    ...z.toJSONSchema(reportSchema, {
      io: 'input',
      override: ({ jsonSchema }) => {
        // The limit of a double says nothing about reports.
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      },
    }),
  };
}

/** The type of a value after JSON: absent instead of `undefined`, and string keys. */
export type AsJson<T> = T extends readonly (infer E)[]
  ? AsJson<E>[]
  : T extends object
    ? Flat<
        { -readonly [K in keyof T as undefined extends T[K] ? never : JsonKey<K>]: AsJson<T[K]> } & {
          -readonly [K in keyof T as undefined extends T[K] ? JsonKey<K> : never]?: AsJson<Exclude<T[K], undefined>>;
        }
      >
    : T;
type JsonKey<K> = number extends K ? string : K;
type Flat<T> = { [K in keyof T]: T[K] };

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

true satisfies Same<AsJson<z.output<typeof reportSchema>>, AsJson<Report>>;

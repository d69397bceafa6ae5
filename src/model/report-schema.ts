/**
 * The schema of `report.json`, from which `schema/report.schema.json` is generated. The check at the end
 * does not compile when it and the type `Report` differ.
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
    copies: names.describe('The nodes that hold it; the first is asked first.'),
  })
  .meta({ id: 'Partition' });

const stalled = z
  .array(z.enum(['read', 'write']))
  .describe('What waits for a frozen node instead of failing at once; none of it succeeds before its deadline.');

const partitionPrediction = z
  .object({
    partition: z.string(),
    readable: z.boolean(),
    writable: z.boolean(),
    outMs: durationMs.exactOptional().describe('It is served by others, once they have noticed: within so long.'),
    stalled: stalled.exactOptional(),
  })
  .meta({ id: 'PartitionPrediction' });

const node = z
  .object({
    name: z.string(),
    role: z.string().describe('What it is for good, in the word of its engine.'),
    address: z.string().describe('As pgquake reached it.'),
    version: z.string().describe("The server's own words."),
    settings: z
      .record(z.string(), z.string())
      .exactOptional()
      .describe('Settings that figures and safety depend on, as the server shows them.'),
  })
  .meta({ id: 'Node' });

const run = z.object({
  id: z.string().describe("The name of the run's folder."),
  scenario: z.string(),
  summary: z.string(),
  claim: z.string().exactOptional().describe('The sentence that was put to the test.'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  startedAt: z.string().describe("Wall clock at the run's zero, ISO 8601 in UTC."),
  pgquakeVersion: z.string(),
  nodeVersion: z.string(),
  keyWord: z.string().exactOptional().describe('What its workload calls a partition key.'),
  kinds: z.array(
    z.object({
      name: z.string(),
      access: z.enum(['read', 'write']),
      scope: z.enum(['partition', 'all']),
      ratePerSecond: z.number().min(0),
      deadlineMs: durationMs,
      schedule: z.enum(['constant', 'poisson']).optional(),
      maxConnections: count.optional(),
      route: z.string().optional().describe('The way to the data; the main one where it is absent.'),
    }),
  ),
  probes: z.array(
    z.object({
      name: z.string(),
      access: z.enum(['read', 'write']),
      scope: z.literal('partition'),
      ratePerSecond: z.number().min(0).describe('For each partition.'),
      deadlineMs: durationMs,
      schedule: z.enum(['constant', 'poisson']).optional(),
      maxConnections: count.optional(),
      route: z.string().optional().describe('The way to the data; the main one where it is absent.'),
      connection: z.enum(['pooled', 'fresh']),
    }),
  ),
  messages: count.describe('Messages of the initial data set.'),
  rows: z
    .object({ table: z.string(), columns: z.string(), key: z.string() })
    .exactOptional()
    .describe('Where the rows of the keys are.'),
  lacks: z.array(z.enum(REQUIREMENTS)).exactOptional().describe('What checks may require and this run has not.'),
  plannedActs: count,
  fitted: share
    .exactOptional()
    .describe("The share of the scenario's rates that the load ran at, where --fit made it smaller."),
  attempt: z
    .object({ number: count, most: count })
    .exactOptional()
    .describe('Which of the runs it is that --retries allows.'),
  machine: z
    .object({ system: z.string(), processors: count, memoryBytes: count, loadAverage: z.number().min(0) })
    .exactOptional()
    .describe("pgquake's own machine: kernel, processors, memory, load of the minute before the run."),
  realtime: z
    .literal(true)
    .exactOptional()
    .describe('The threads of load and probes ran at realtime priority; at normal priority where it is absent.'),
  again: z.string().describe('The command line that runs it again.'),
});

const result = z
  .object({
    check: z.string(),
    params: z.record(z.string(), z.unknown()).describe('As written in the scenario.'),
    always: z.boolean().describe('Made in every run, whatever its hypothesis.'),
    tells: z
      .enum(['figure', 'readable', 'end'])
      .exactOptional()
      .describe('What its words tell in the finding beside the verdict.'),
    answers: z
      .enum(['availability', 'outage', 'loss', 'healing'])
      .exactOptional()
      .describe('The figure at the head of a report that it sets a limit to.'),
    place: z.string().exactOptional().describe('file:line in the scenario.'),
    judgement,
    expected: z.string(),
    observed: z.string(),
    evidence: names,
    excuses: z
      .array(z.object({ fromMs: z.number(), toMs: z.number() }))
      .exactOptional()
      .describe('It passes, and yet what failed in these times is not held against the cluster.'),
  })
  .meta({ id: 'Result' });

const act = z
  .object({
    index: count,
    fault: z.string(),
    targets: names.describe('Empty where they were to be picked during the run, and never were.'),
    atStrike: z
      .object({
        role: z.enum(MOVING_ROLES),
        draw: count.describe('Decides which of them are picked.'),
        which: z.array(count).describe('Of those that are picked, counted from 0.'),
        all: z.literal(true).exactOptional().describe('All that have the role, however many they are then.'),
      })
      .exactOptional()
      .describe('Set where the targets are those that have a role when the fault strikes.'),
    picked: z.string().exactOptional().describe('Out of which nodes the targets were picked.'),
    atMs: durationMs.describe('From the start of the fault phase.'),
    forMs: durationMs,
    after: z
      .object({ act: count, gapMs: durationMs })
      .exactOptional()
      .describe('Set on a further strike of one fault: the act that must be healed before, and the time in between.'),
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

const hostSample = {
  forMs: durationMs.describe('The sample covers the time before it.'),
  busy: share.describe('Of all processors together.'),
  stolen: share.describe('Processor time that the hypervisor gave to other machines.'),
  runnable: z.number().min(0).exactOptional().describe('Tasks that ran or waited for a processor, on average.'),
  pressure: z
    .object({ cpu: share.exactOptional(), memory: share.exactOptional(), io: share.exactOptional() })
    .exactOptional()
    .describe('The share of the time in which some task waited for each of them.'),
  lateMs: durationMs.describe("By how much pgquake's own main thread was late at most."),
};

const witnessedRole = {
  role: z.enum(['primary', 'standby']).describe('What the node says of itself.'),
  timeline: count.exactOptional().describe('Of a primary.'),
};

const phase = z.enum(PHASES);
const ofAct = { at, act: count };

const nodeState = z.enum(['running', 'paused', 'stopped']);

const prepared = z.object({
  node: z.string(),
  gid: z.string(),
  ageMs: z.number(),
  relations: names.exactOptional().describe('Relations of the data set that it has written.'),
});

const lostThing = z
  .union([
    z.object({
      what: z.enum(['node', 'server', 'agent', 'postmaster']),
      how: z.enum(['killed', 'stopped', 'frozen']),
      node: z.string(),
    }),
    z.object({ what: z.literal('role'), node: z.string() }).describe('It hands its role over.'),
    z
      .object({ what: z.literal('manager'), node: z.string() })
      .describe('Nobody replaces a lost primary; the node is the one that was asked for it.'),
    z.object({
      what: z.literal('links'),
      node: z.string(),
      from: names.describe('The nodes at the other end.'),
      clients: z.literal(true).exactOptional().describe('Clients do not reach it either.'),
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
        beginsWithinMs: durationMs.exactOptional().describe('Where it lasts until healed: it begins within so long.'),
        why,
      }),
    ),
    lost: z
      .object({
        beforeMs: bound.describe('Acknowledged within so long before the loss; null: no setting bounds it.'),
        beforeBytes: count.exactOptional().describe('Bytes of WAL beside that.'),
        afterMs: bound.describe('Acknowledged after the loss, over so long; null: until healed, or longer.'),
        why,
      })
      .describe('Acknowledged writes at risk, of the node that was primary at the loss.'),
    twoPrimaries: z.object({ maxMs: bound.describe('0: never. null: until the loss is healed.'), why }),
    primary: z.string().exactOptional(),
  })
  .describe("What the cluster's own settings promise for a loss.")
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
        entry: z.string().exactOptional().describe('A node that every statement passes.'),
        writesAlsoNeed: z.string().exactOptional(),
      }),
      routes: z
        .array(z.object({ name: z.string(), access: z.enum(['read', 'write']) }))
        .exactOptional()
        .describe('Its ways to the data; that of whatever names none is the first that takes writes.'),
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
      lost: z.array(lostThing).describe('All that is lost once this act strikes.'),
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
        .describe('Replication slots that nobody reads.'),
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
      writer: count.exactOptional().describe('Who the messages of the load are from.'),
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
      sinceMs: z.number().exactOptional().describe('When the node was last asked and answered otherwise.'),
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
    z.object({ at, type: z.literal('host'), ...hostSample }),
    z.object({ at, type: z.literal('pressure'), ok: count, failed: count, forMs: durationMs }),
    z.object({
      at,
      type: z.literal('reclaimed'),
      of: z.string().describe('Folder of the killed run whose cluster it was.'),
      when: z.string().describe('Time of day, ISO 8601 in UTC.'),
      removed: names,
      voided: names.describe('Undos that were still open and need not be kept any more.'),
      undone: names.optional().describe('On a cluster that stands: what shows that its nodes are well again.'),
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
          timeline: count.exactOptional().describe('Of its log.'),
          receivedLsn: z.string().exactOptional().describe('How far its log goes.'),
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
      .meta({ description: 'A change of a node that the run did not make.' }),
    z.object({ at, type: z.literal('interrupted'), reason: z.string() }),
    z.object({ at, type: z.literal('run-failed'), error: z.string() }),
  ])
  .meta({ id: 'Event' });

const availability = z
  .object({
    intended: count.describe('Operations that the schedule wanted, without the unsent ones.'),
    ok: count,
    fail: count,
    unknown: count,
    unsent: count.describe("The client's own limit; charged to nobody."),
    share: share.nullable().describe('ok / intended; null when nothing was intended.'),
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
  outageMs: durationMs.describe('Of all its outages of the kind together.'),
  brownoutMs: durationMs,
  ok: count,
  tried: count.describe('In the fault span.'),
});

const seenMoment = z
  .object({ atMs: at, uncertaintyMs: durationMs.describe('It may have been so much earlier.') })
  .meta({ id: 'SeenMoment' });

const roleFigures = z.object({
  witness: z
    .array(
      z.object({
        node: z.string(),
        acknowledged: count,
        lost: count.nullable().describe('Of those, not on the final primary; null where that could not be read.'),
        lostForMs: durationMs.describe('From the first to the last acknowledgement of a lost row.'),
      }),
    )
    .describe('What each node acknowledged to the witness.'),
  lost: z
    .array(
      z.object({
        node: z.string().nullable().describe('null: no node was seen to have them.'),
        timeline: count.exactOptional(),
        count,
        firstMs: at,
        lastMs: at,
      }),
    )
    .describe('Acknowledged writes of the load that are gone, by the node that had them before it was rewound.'),
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
            rows: names.describe("Of the lost ones the first few, or of all: the node's number and a sequence number."),
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
        sinceMs: at.describe('The fault in effect, or asked for where that itself made the new primary.'),
        act: count,
        failed: seenMoment.exactOptional().describe('The first write of the load that failed.'),
        noticedMs: at.exactOptional(),
        electedMs: at.exactOptional(),
        promoted: seenMoment.describe('The new primary accepted writes.'),
        reached: z
          .array(z.object({ kind: z.string(), route: z.string().exactOptional(), moment: seenMoment.nullable() }))
          .describe('By kind of write, the first that the new primary acknowledged; null where none was.'),
      }),
    )
    .describe('One node took the place of another as the primary.'),
});

const window = z.object({
  type: z.enum(['outage', 'brownout']),
  kind: z.string(),
  partition: z.string().exactOptional().describe('Where the window is that of one partition.'),
  seenBy: z.enum(['probes', 'load']),
  fromMs: at,
  toMs: at,
  durationMs,
  uncertaintyMs: durationMs.describe('The duration is true to plus or minus this.'),
  open: z.literal(true).exactOptional().describe('Still on when the load stopped: it lasted at least this long.'),
  ok: count,
  failed: count,
});

const losses = z
  .object({ acknowledged: count, lost: count })
  .nullable()
  .describe('null: none were acknowledged, or nobody read what is there in the end.');

const routeFigures = z.object({
  route: z.string(),
  access: z.enum(['read', 'write']),
  seenBy: z.enum(['probes', 'load']),
  spacingMs: durationMs.describe('Between two of what saw it.'),
  windows: z.array(window),
  fault: availability.describe('In the fault span.'),
  latency: latency.nullable().describe('In the fault span, from the intended start, of those that succeeded.'),
  lost: z.object({ load: losses, probes: losses }).exactOptional().describe('Of writing.'),
});

const promiseFigures = z.object({
  act: count,
  fault: z.string(),
  fromMs: at,
  lastedMs: durationMs.describe('Until the loss was asked to heal, or another act struck.'),
  lost: z.array(lostThing),
  promise: promised,
  writesOut: z
    .array(
      z.object({
        route: z.string(),
        outMs: durationMs.nullable().describe('null: nobody wrote by it.'),
        uncertaintyMs: durationMs.exactOptional(),
        seenBy: z.enum(['probes', 'load']).exactOptional(),
        fromMs: at.exactOptional(),
        open: z.literal(true).exactOptional().describe('It lasted at least so long.'),
      }),
    )
    .describe('The longest time without a write that began while the loss lasted.'),
  lostWrites: z
    .object({
      before: count.describe('Acknowledged before the loss by the node that was primary then.'),
      beforeMs: durationMs,
      after: count.describe('Acknowledged by the same after the loss.'),
      afterMs: durationMs.describe('From the first to the last of them.'),
      others: z
        .array(z.object({ node: z.string(), count, firstMs: at, lastMs: at }))
        .describe('Acknowledged by other nodes after the loss: at no risk.'),
    })
    .nullable()
    .describe('Acknowledged writes that are gone; null where nobody read what is there in the end.'),
  twoPrimaries: z
    .object({ atLeastMs: durationMs, atMostMs: durationMs })
    .nullable()
    .describe('null where the witness cannot tell.'),
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
          busy: share,
          stolen: share,
          runnable: z.number().min(0).exactOptional(),
          pressure: hostSample.pressure,
          lateMs: durationMs,
          starved: z.string().exactOptional().describe('Why the machine had too little to give.'),
        }),
      ),
    })
    .exactOptional()
    .describe('The machine that pgquake ran on, while the load ran.'),
  fullEffect: timeRange.exactOptional().describe('All faults in effect and none asked to heal.'),
  availability: z.array(z.object({ kind: z.string(), span, figures: availability })),
  latency: z
    .array(z.object({ kind: z.string(), span, figures: latency }))
    .describe('Of operations that ended ok, from the intended start.'),
  probes: z
    .array(z.object({ kind: z.string(), span, tried: count, ok: count, latency: latency.nullable() }))
    .describe('Over all partitions; latency from sent until settled, of those that succeeded.'),
  windows: z.array(window).describe('Of whole kinds, then of single partitions.'),
  routes: z.array(routeFigures).exactOptional().describe('Absent where there was but one.'),
  promises: z
    .array(promiseFigures)
    .exactOptional()
    .describe('What settings promised for each loss, beside what was seen.'),
  disagreements: z
    .array(
      z.object({
        kind: z.string(),
        toldBy: z.enum(['probes', 'load']).describe('The worse of the two: its windows are the ones that count.'),
        probes: sourceFigures,
        load: sourceFigures,
      }),
    )
    .exactOptional()
    .describe('Kinds of which probes and load do not tell the same. Absent in reports of older versions.'),
  roles: roleFigures.exactOptional().describe('Of a cluster whose roles move.'),
  recovery: z
    .array(
      z.object({
        kind: z.string(),
        recoveryMs: durationMs
          .nullable()
          .describe('From the fault in effect; 0: back at once; null: not within the run.'),
        uncertaintyMs: durationMs,
        firstSuccessMs: durationMs
          .nullable()
          .exactOptional()
          .describe("From the fault in effect to the first success after the kind's first outage."),
        firstSuccessUncertaintyMs: durationMs.exactOptional(),
      }),
    )
    .describe('Empty when no fault took effect.'),
  partitions: z
    .array(
      z.object({
        partition: z.string(),
        copies: names,
        messages: count,
        readableMessages: count.describe('Read with the right content while the fault was in full effect.'),
        untriedMessages: count.exactOptional().describe('Those that nobody tried to read then; absent for none.'),
        onlyScannedMessages: count
          .exactOptional()
          .describe('Asked for in vain by reads of their keys, and returned by a scan; absent for none.'),
        predictedReadable: z.boolean().exactOptional(),
        predictedWritable: z.boolean().exactOptional(),
        predictedStalled: stalled.exactOptional(),
        read: availability,
        write: availability,
      }),
    )
    .describe('Seen while the fault was in full effect.'),
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
    .describe('By full second of the run, for each kind; latency of operations that ended ok, null without any.'),
});

const witnessed = z
  .object({
    count,
    witnesses: names.describe('The first few keys, writer:sequence.'),
    sql: names.exactOptional().describe('Statements that look at them again, each with the node to ask.'),
  })
  .meta({ id: 'Witnessed' });

const ledger = z.object({
  written: count,
  acknowledged: count,
  unknown: count,
  unknownPresent: count.describe('Of the unknown ones, found by the final reads.'),
  unknownAbsent: count
    .exactOptional()
    .describe('Of the unknown ones, in no final read although everything was read: not committed, or gone again.'),
  lost: witnessed.describe('Acknowledged and in no final read.'),
  hidden: witnessed.exactOptional().describe('On a placement, and not seen by clients.'),
  late: witnessed
    .extend({
      forMs: durationMs.nullable().describe('The longest from an acknowledgement until the write was visible.'),
      prepared: z.array(z.object({ key: z.string(), node: z.string(), gid: z.string() })),
    })
    .meta({ id: 'LateWrites' })
    .exactOptional()
    .describe(
      'Acknowledged, invisible while prepared transactions stood after the load had stopped, there in the end.',
    ),
  receded: witnessed
    .exactOptional()
    .describe('Unknown, returned by a read of the load, and in no final read: committed, and gone.'),
  resurrected: witnessed.exactOptional().describe('Certainly failed, and in a final read.'),
  unexpected: witnessed.exactOptional().describe('In a final read, and never sent.'),
  divergent: witnessed.exactOptional().describe('On some placements of their partition and not on others.'),
  staleReads: witnessed.describe('Reads that missed a write acknowledged before they were sent.'),
  staleForMs: durationMs
    .nullable()
    .exactOptional()
    .describe('The longest from an acknowledgement to a read that was sent and missed it; null without one.'),
  readYourWrites: witnessed.exactOptional().describe('Written by a session, and not read back by it.'),
  monotonicReads: witnessed.exactOptional().describe('Read by a session, and not found again by it.'),
  duplicated: witnessed,
  corrupted: witnessed,
  finalReads: z.boolean().describe('Without final reads nothing above is proven.'),
  unverifiedReads: z
    .literal(true)
    .exactOptional()
    .describe('Set where nothing verifies what reads of the load return: their counts say nothing then.'),
});

/** What other files of a run's folder hold as well. */
export { act as actSchema, event as eventSchema, partition as partitionSchema, run as runSchema };

export const reportSchema = z.object({
  version: z.literal(REPORT_VERSION).describe('The version of this format.'),
  run: run.describe('Scenario, claim, seed, versions, kinds of operation, machine, the command that runs it again.'),
  judgement: judgement.describe('The worst of all results.'),
  finding: z.string().describe('One sentence: what was found.'),
  results: z.array(result).describe('Each check: expected, observed, evidence; `always` marks those of every run.'),
  topology: z
    .object({
      nodes: z
        .array(z.object({ name: z.string(), role: z.string(), part: z.enum(PURPOSES) }))
        .describe('What each is for good. entry: every statement passes it. data: it holds copies of rows.'),
      replication: count.describe('Copies of every partition.'),
      partitions: count,
      partitionWord: z
        .string()
        .exactOptional()
        .describe('What a part of the rows is called; absent where rows are not divided.'),
      platform: z.string().exactOptional(),
      engine: z.string().exactOptional(),
      reason: z.string().describe('Why these two were chosen.'),
      attach: z
        .string()
        .exactOptional()
        .describe('The cluster that stood before the run and goes on standing after it.'),
    })
    .describe('What the cluster is made of; platform and engine, and why they were chosen.'),
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
    .describe(
      'What became of the writes: acknowledged, unknown, lost, stale and the rest; null if the workload has no ledger.',
    ),
});

/** As stored by this version or the one before it, which named platforms and engines from fixed lists. */
export const storedReportSchema = reportSchema.extend({ version: z.literal([1, REPORT_VERSION]) });

/**
 * The JSON Schema (draft 2020-12) of `report.json`. It allows properties that it does not know, because a
 * version may gain some.
 */
export function reportJsonSchema(): Record<string, unknown> {
  return {
    $id: `urn:pgquake:report:${REPORT_VERSION}`,
    title: `pgquake report, version ${REPORT_VERSION}`,
    ...z.toJSONSchema(reportSchema, {
      io: 'input',
      override: ({ jsonSchema }) => {
        // What a double can count to is no statement about reports.
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      },
    }),
  };
}

/** What a value looks like after JSON: what is `undefined` is absent, and keys are strings. */
type AsJson<T> = T extends readonly (infer E)[]
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

/**
 * Written histories for tests: a regular run in which all goes well, and what a test wants to be
 * different. Pure, so that a test says exactly what a check sees.
 *
 * Partition of a partition key: (partition key - 1) mod partitions. Each partition key's messages are writer 0's, in order; the load is
 * writer 1. All acts strike together unless the spec says otherwise.
 */

import type { TimedEvent } from '../../src/model/event.ts';
import type { History, Operation, OperationKind, ProbeKind } from '../../src/model/history.ts';
import { KeySet, parseKey } from '../../src/model/key-ranges.ts';
import { OperationTable } from '../../src/model/operations.ts';
import type { NodeEffect, NodeName, PartitionPrediction } from '../../src/model/topology.ts';
import { ring } from './sharded.ts';

export interface ActSpec {
  readonly fault?: string;
  readonly targets: readonly NodeName[];
  readonly effect?: NodeEffect;
  /** From the start of the fault phase; 0 by default. */
  readonly atMs?: number;
  /** From the fault in effect until it is asked to heal; the length of the fault phase by default. */
  readonly forMs?: number;
}

/** What the final reads find, as `writer:sequence`; a test may take keys out or put keys in. */
export interface FinalKeys {
  readonly coordinator: Set<string>;
  /** By `worker1/A`. */
  readonly placements: ReadonlyMap<string, Set<string>>;
}

export interface HistorySpec {
  readonly workers?: number;
  readonly replication?: number;
  readonly partitions?: number;
  readonly partitionKeys?: number;
  readonly messagesPerKey?: number;
  readonly steadyMs?: number;
  readonly faultMs?: number;
  readonly settleMs?: number;
  /** One act on worker1 by default. */
  readonly acts?: readonly ActSpec[];
  readonly kinds?: readonly OperationKind[];
  readonly predictions?: readonly {
    readonly down: readonly NodeName[];
    readonly frozen?: readonly NodeName[];
    readonly partitions: readonly PartitionPrediction[];
  }[];
  /** What differs from an answer that is right after 2 ms. */
  readonly answer?: (operation: Operation) => Partial<Operation> | undefined;
  /** Probes every partition 50 times a second; as `answer`, for the probes. */
  readonly probe?: (probe: Operation) => Partial<Operation> | undefined;
  readonly finalKeys?: (keys: FinalKeys) => void;
  /** The events as they would be, to be changed. */
  readonly events?: (events: TimedEvent[]) => TimedEvent[];
}

export const KINDS: readonly OperationKind[] = [
  { name: 'read', access: 'read', scope: 'partition', ratePerSecond: 100, deadlineMs: 1_000 },
  { name: 'scan', access: 'read', scope: 'all', ratePerSecond: 10, deadlineMs: 1_000 },
  { name: 'write', access: 'write', scope: 'partition', ratePerSecond: 50, deadlineMs: 1_000 },
];

/** Partition key n + 1 is the one that is probed of partition n. */
export const PROBES: readonly ProbeKind[] = [
  {
    name: 'probe-read',
    access: 'read',
    scope: 'partition',
    connection: 'pooled',
    ratePerSecond: 50,
    deadlineMs: 1_000,
  },
  {
    name: 'probe-write',
    access: 'write',
    scope: 'partition',
    connection: 'pooled',
    ratePerSecond: 50,
    deadlineMs: 1_000,
  },
];

const LATENCY_MS = 2;
const PROBE_LATENCY_MS = 1;
const STEADY_FROM_MS = 1_000;
const EFFECT_AFTER_MS = 10;
const HEAL_TAKES_MS = 300;

/** The stamps of a history whose acts all strike together. */
export function timesOf({ steadyMs = 2_000, faultMs = 4_000, settleMs = 3_000 }: HistorySpec = {}) {
  const askedMs = STEADY_FROM_MS + steadyMs;
  const effectMs = askedMs + EFFECT_AFTER_MS;
  const healAskedMs = effectMs + faultMs;
  const healedMs = healAskedMs + HEAL_TAKES_MS;
  return { steadyMs: STEADY_FROM_MS, askedMs, effectMs, healAskedMs, healedMs, loadEndMs: healedMs + settleMs };
}

export type Times = ReturnType<typeof timesOf>;

export function buildHistory(spec: HistorySpec = {}): History {
  const { workers = 4, replication = 2, partitions = 4, partitionKeys = 8, messagesPerKey = 5 } = spec;
  const { acts = [{ targets: ['worker1'] }], kinds = KINDS, faultMs = 4_000 } = spec;
  const times = timesOf(spec);
  const placement = {
    entry: 'coordinator',
    partitionWord: 'shard',
    partitions: ring({ workers, replication, partitions }),
    partitionOfKey: Object.fromEntries(Array.from({ length: partitionKeys }, (_, i) => [i + 1, i % partitions])),
  };
  const operations = load({ ...spec, partitionKeys, messagesPerKey, partitions, kinds, times });

  const initial = Array.from({ length: partitionKeys * messagesPerKey }, (_, i) => ({
    key: `0:${i + 1}`,
    partition: Math.floor(i / messagesPerKey) % partitions,
  }));
  const written = operations.flatMap(({ key, partition = 0, outcome }) =>
    key !== undefined && outcome === 'ok' ? [{ key, partition }] : [],
  );
  const all = [...initial, ...written];
  const keysOf = (partition: number) => new Set(all.filter((row) => row.partition === partition).map((row) => row.key));
  const keys: FinalKeys = {
    coordinator: new Set(all.map((row) => row.key)),
    placements: new Map(
      placement.partitions.flatMap(({ index, name, copies: placements }) =>
        placements.map((node) => [`${node}/${name}`, keysOf(index)] as const),
      ),
    ),
  };
  spec.finalKeys?.(keys);

  const { steadyMs, askedMs, healedMs, loadEndMs } = times;
  const finalMs = loadEndMs + 100;
  const events: TimedEvent[] = [
    { at: 0, type: 'phase-started', phase: 'provision' },
    { at: 500, type: 'phase-ended', phase: 'provision' },
    { at: 500, type: 'phase-started', phase: 'form' },
    {
      at: 900,
      type: 'cluster-formed',
      platform: 'local',
      engine: 'native',
      reason: 'it needs nothing but Node.js',
      nodes: [],
      placement,
    },
    { at: 900, type: 'phase-ended', phase: 'form' },
    ...(spec.predictions ?? []).map((predicted): TimedEvent => ({ at: 950, type: 'predicted', ...predicted })),
    { at: steadyMs, type: 'phase-started', phase: 'steady-state' },
    { at: askedMs, type: 'phase-ended', phase: 'steady-state' },
    { at: askedMs, type: 'phase-started', phase: 'fault' },
    ...acts.flatMap((act, index) => actEvents(act, index, askedMs, faultMs)),
    { at: healedMs, type: 'phase-ended', phase: 'fault' },
    { at: healedMs, type: 'phase-started', phase: 'settle' },
    {
      at: loadEndMs,
      type: 'load-kept',
      intended: operations.length,
      unsent: operations.filter((operation) => operation.outcome === 'unsent').length,
      latenessP99Ms: 1.2,
      latenessMaxMs: 4,
      eventLoopDelayMaxMs: 12,
    },
    { at: finalMs, type: 'replicas-compared', agree: true, waitedMs: 100 },
    { at: finalMs, type: 'phase-ended', phase: 'settle' },
    { at: finalMs, type: 'phase-started', phase: 'final-reads' },
    { at: finalMs + 50, type: 'final-read', route: 'coordinator', read: readOf(keys.coordinator) },
    ...[...keys.placements].map(([source, found]): TimedEvent => {
      const [node = '', partition = ''] = source.split('/');
      return { at: finalMs + 60, type: 'placement-read', node, partition, read: readOf(found) };
    }),
    { at: finalMs + 100, type: 'phase-ended', phase: 'final-reads' },
    { at: finalMs + 100, type: 'phase-started', phase: 'dispose' },
    { at: finalMs + 200, type: 'phase-ended', phase: 'dispose' },
  ];

  const sorted = events.toSorted((a, b) => a.at - b.at);
  return {
    run: {
      id: '2026-11-23T10-00-00Z-written',
      scenario: 'written',
      summary: 'A written history.',
      seed: 1,
      startedAt: '2026-11-23T10:00:00.000Z',
      pgquakeVersion: '0.0.0',
      nodeVersion: 'v24.0.0',
      keyWord: 'room',
      kinds,
      probes: spec.probe ? PROBES : [],
      messages: partitionKeys * messagesPerKey,
      plannedActs: acts.length,
      again: 'npm run chaos -- scenarios/written.yaml --seed 1',
    },
    events: spec.events ? spec.events(sorted) : sorted,
    operations: OperationTable.inOrder(operations),
    probes: OperationTable.inOrder(spec.probe ? probeOperations(spec.probe, { partitions, times }) : []),
  };
}

function actEvents(act: ActSpec, index: number, faultPhaseMs: number, faultMs: number): TimedEvent[] {
  const { fault = 'node-stop', targets, effect, atMs = 0, forMs = faultMs } = act;
  const askedMs = faultPhaseMs + atMs;
  const effectMs = askedMs + EFFECT_AFTER_MS;
  const proof = `${targets.join(', ')}: not running, SQL is refused`;
  return [
    { at: askedMs, type: 'fault-asked', act: index, fault, targets, ...(effect === undefined ? {} : { effect }) },
    { at: effectMs, type: 'fault-in-effect', act: index, proof },
    { at: effectMs + forMs, type: 'heal-asked', act: index },
    { at: effectMs + forMs + HEAL_TAKES_MS, type: 'healed', act: index, proof: `${targets.join(', ')}: accepts SQL` },
  ];
}

interface LoadSpec extends HistorySpec {
  readonly partitionKeys: number;
  readonly messagesPerKey: number;
  readonly partitions: number;
  readonly kinds: readonly OperationKind[];
  readonly times: Times;
}

function load({ partitionKeys, messagesPerKey, partitions, kinds, times, answer }: LoadSpec): Operation[] {
  const operations: Operation[] = [];
  let id = 0;
  for (const [k, kind] of kinds.entries()) {
    const intervalMs = 1_000 / kind.ratePerSecond;
    const count = Math.floor((times.loadEndMs - times.steadyMs) / intervalMs);
    for (let n = 0; n < count; n++) {
      const intendedAt = times.steadyMs + (intervalMs * (k + 1)) / (kinds.length + 1) + n * intervalMs;
      const partitionKey = (n % partitionKeys) + 1;
      const regular: Operation = {
        id: ++id,
        kind: kind.name,
        ...(kind.scope === 'partition' ? { partitionKey, partition: (partitionKey - 1) % partitions } : {}),
        intendedAt,
        sentAt: intendedAt,
        settledAt: intendedAt + LATENCY_MS,
        outcome: 'ok',
        ...(kind.access === 'write' ? { key: `1:${n + 1}` } : {}),
        ...(kind.access === 'read'
          ? { verified: kind.scope === 'all' ? partitionKeys * messagesPerKey : messagesPerKey }
          : {}),
      };
      operations.push({ ...regular, ...answer?.(regular) });
    }
  }
  return operations;
}

/** The partitions in turn. */
function probeOperations(
  answer: NonNullable<HistorySpec['probe']>,
  { partitions, times }: { readonly partitions: number; readonly times: Times },
): Operation[] {
  const operations: Operation[] = [];
  for (const [k, kind] of PROBES.entries()) {
    const intervalMs = 1_000 / kind.ratePerSecond / partitions;
    const count = Math.floor((times.loadEndMs - times.steadyMs) / intervalMs);
    for (let n = 0; n < count; n++) {
      const intendedAt = times.steadyMs + (k + n) * intervalMs;
      const partition = n % partitions;
      const regular: Operation = {
        id: operations.length + 1,
        kind: kind.name,
        partitionKey: partition + 1,
        partition,
        intendedAt,
        sentAt: intendedAt,
        settledAt: intendedAt + PROBE_LATENCY_MS,
        outcome: 'ok',
      };
      operations.push({ ...regular, ...answer(regular) });
    }
  }
  return operations;
}

function readOf(found: ReadonlySet<string>) {
  const present = new KeySet();
  for (const text of found) {
    const { writer, seq } = parseKey(text);
    present.add(writer, seq);
  }
  return { rows: found.size, present: present.toRanges(), duplicated: [], corrupted: [] };
}

/** An operation that the cluster refused at once. */
export const REFUSED: Partial<Operation> = {
  outcome: 'fail',
  errorCode: 'ECONNREFUSED',
  errorText: 'connect ECONNREFUSED 127.0.0.1:5433',
};

export function within(fromMs: number, toMs: number): (operation: Operation) => boolean {
  return ({ intendedAt }) => intendedAt >= fromMs && intendedAt < toMs;
}

/** Changes the events of one type; `undefined` takes one out. */
export function changing<T extends TimedEvent['type']>(
  type: T,
  change: (event: Extract<TimedEvent, { type: T }>) => TimedEvent | undefined,
): (events: TimedEvent[]) => TimedEvent[] {
  return (events) =>
    events.flatMap((event) => {
      if (event.type !== type) return [event];
      const changed = change(event as Extract<TimedEvent, { type: T }>);
      return changed ? [changed] : [];
    });
}

/** The loss of pg1, for which writes are out for a second at most and nothing is at risk. */
export function promisedAt(at: number): TimedEvent {
  return {
    at,
    type: 'promised',
    act: 0,
    lost: [{ what: 'node', node: 'pg1', how: 'killed' }],
    promise: {
      primary: 'pg1',
      writesOut: [{ route: 'direct', minMs: 0, maxMs: 1_000, why: 'it is so' }],
      lost: { beforeMs: 0, afterMs: 0, why: 'it is so' },
      twoPrimaries: { maxMs: null, why: 'it is so' },
    },
  };
}

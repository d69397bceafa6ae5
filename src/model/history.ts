/** The history of a run: all that a check may read. */

import type { EventOf, RunEvent, TimedEvent } from './event.ts';
import type { OperationRow, TableData } from './operations.ts';
import type { Requirement } from './requirements.ts';

/**
 * - `ok`: it happened, and the client knows.
 * - `fail`: it certainly did not happen (a read: no answer in time counts as `fail`).
 * - `unknown`: a write that may have happened; the final reads show it.
 * - `unsent`: the client's own limit kept it from being sent. Never held against the cluster.
 */
export type Outcome = 'ok' | 'fail' | 'unknown' | 'unsent';

/** What a read wrongly returned or left out; absent if nothing. */
export interface Anomaly {
  /** Keys (`writer:sequence`) acknowledged before the read was sent, or initial, but not in its rows; at most 8. */
  readonly missing?: readonly string[];
  readonly missingCount?: number;
  readonly duplicated?: readonly string[];
  /** Duplicate rows, if more than `duplicated` lists. */
  readonly duplicatedCount?: number;
  readonly corrupted?: readonly string[];
  /** Of the missing ones, written by the reading session: a breach of read-your-writes. At most 8. */
  readonly ownMissing?: readonly string[];
  readonly ownMissingCount?: number;
  /** Returned by an earlier read of the session, and missing here: a breach of monotonic reads. At most 8. */
  readonly forgotten?: readonly string[];
  readonly forgottenCount?: number;
  /** Not wrong: writes that ended `unknown` and that this read is the first to return. */
  readonly resolved?: readonly string[];
}

/** How to query single rows again: `SELECT <columns> FROM <table> WHERE (<key>) IN ((1, 42))`. */
export interface RowLookup {
  readonly columns: string;
  /** Writer and sequence number, as two expressions. */
  readonly key: string;
}

/** One operation of the load. Times are milliseconds on the run's clock. */
export interface Operation {
  /** From 1, in the order of the intended starts. */
  readonly id: number;
  /** `read`, `scan`, `write`: a kind of the workload. */
  readonly kind: string;
  /** Absent for a scan. */
  readonly partitionKey?: number | undefined;
  /** Index of the partition key's partition; absent for a scan. */
  readonly partition?: number | undefined;
  /** When it was due by the schedule; latency counts from here. */
  readonly intendedAt: number;
  readonly sentAt: number;
  readonly settledAt: number;
  readonly outcome: Outcome;
  /** SQLSTATE, or the socket's error code (`ECONNREFUSED`), or `deadline`. */
  readonly errorCode?: string | undefined;
  readonly errorText?: string | undefined;
  /** `writer:sequence` of the row that a write carries. */
  readonly key?: string | undefined;
  /** The number of the client's session. */
  readonly session?: number | undefined;
  /** Rows that a read returned. */
  readonly rows?: number | undefined;
  /** Messages of the initial data set that a read returned with the right content. */
  readonly verified?: number | undefined;
  readonly anomaly?: Anomaly | undefined;
}

/** A kind of operation, as the workload declares it. */
export interface OperationKind {
  readonly name: string;
  readonly access: 'read' | 'write';
  /** Whether it needs every partition, or only that of its partition key. */
  readonly scope: 'partition' | 'all';
  readonly ratePerSecond: number;
  readonly deadlineMs: number;
  /** The name of its route; the cluster's main route if absent. */
  readonly route?: string | undefined;
  /** `constant` if absent. */
  readonly schedule?: 'constant' | 'poisson' | undefined;
  /** The most connections at once; absent: as many as rate and deadline can need. */
  readonly maxConnections?: number | undefined;
}

export interface ProbeKind extends OperationKind {
  readonly scope: 'partition';
  /** For each partition. */
  readonly ratePerSecond: number;
  /** `fresh`: each probe opens a new connection. */
  readonly connection: 'pooled' | 'fresh';
}

/** One of several runs of a scenario; pgquake repeats a run that a busy machine made impossible to judge. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly most: number;
}

/** pgquake's machine. The servers share it, unless pgquake attached to a cluster elsewhere. */
export interface Machine {
  /** Kernel and architecture, `Linux 6.8.0 x64`. */
  readonly system: string;
  readonly processors: number;
  readonly memoryBytes: number;
  /** Of the minute before the run. */
  readonly loadAverage: number;
}

/** What was run, where and with what; written first into the run's folder. */
export interface RunInfo {
  /** `<UTC time>-<scenario>`, also the name of the run's folder. */
  readonly id: string;
  readonly scenario: string;
  readonly summary: string;
  readonly claim?: string;
  readonly seed: number;
  /** Wall clock at the run's zero, ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly pgquakeVersion: string;
  readonly nodeVersion: string;
  /** The workload's word for a partition key; `key` if absent. */
  readonly keyWord?: string;
  readonly kinds: readonly OperationKind[];
  /** The kinds of the probes; empty without probes. */
  readonly probes: readonly ProbeKind[];
  /** Messages of the initial data set. */
  readonly messages: number;
  /** Where to find the rows of the keys. Absent in older histories. */
  readonly rows?: RowLookup & { readonly table: string };
  /** What checks may require but this run lacks. Absent if it lacks nothing, and in older histories. */
  readonly lacks?: readonly Requirement[];
  /** The number of acts in the plan, so that a fault that never came is noticed. */
  readonly plannedActs: number;
  /** The share of the scenario's rates that `--fit` reduced the load to; `kinds` has the reduced rates. */
  readonly fitted?: number;
  /** Set if `--retries` allows several attempts. */
  readonly attempt?: Attempt;
  /** pgquake's own machine. Absent in older histories. */
  readonly machine?: Machine;
  /** Set if the threads of load and probes ran at realtime priority. */
  readonly realtime?: true;
  /** The command line that runs it again. */
  readonly again: string;
}

/** Operations; in a history, sorted by intended start. Iterating yields a new object for each. */
export interface OperationLog extends Iterable<Operation> {
  readonly count: number;
  /** For passes over millions: yields one row object that moves on. Copy what you keep. */
  scan(): Iterable<OperationRow>;
  /** As columns, for passes that read few of them. */
  readonly data: TableData;
}

export interface History {
  readonly run: RunInfo;
  /** In the order of time. */
  readonly events: readonly TimedEvent[];
  /** The load's operations. */
  readonly operations: OperationLog;
  readonly probes: OperationLog;
  /**
   * The witness's operations, of kinds `WITNESS_KINDS`. Their partition key is the number of the node, from 1 in the
   * order of `cluster-formed`; the key of a write is that number and a sequence number. Absent if roles do not move,
   * and in older histories.
   */
  readonly witness?: OperationLog;
}

/**
 * What a witness does on one node: it writes to a primary, and asks a standby whether it still is one. `kept`: on a
 * session that lasts as long as the server allows. `fresh`: on a session reopened every 2 s (attached clusters: 10 s).
 */
export const WITNESS_KINDS = ['kept-write', 'fresh-write', 'kept-ask', 'fresh-ask'] as const;
export type WitnessKind = (typeof WITNESS_KINDS)[number];

export function eventsOf<T extends RunEvent['type']>(history: Pick<History, 'events'>, type: T): EventOf<T>[] {
  return history.events.filter((event): event is EventOf<T> => event.type === type);
}

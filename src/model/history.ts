/** The history of a run: everything that a check may look at. */

import type { EventOf, RunEvent, TimedEvent } from './event.ts';
import type { OperationRow, TableData } from './operations.ts';
import type { Requirement } from './requirements.ts';

/**
 * - `ok`: it happened, and the client knows.
 * - `fail`: it certainly did not happen (a read: no answer in time counts as `fail`).
 * - `unknown`: a write that may have happened; the final reads tell.
 * - `unsent`: the client's own limit kept it from being sent. Never charged to the cluster.
 */
export type Outcome = 'ok' | 'fail' | 'unknown' | 'unsent';

/** What a read returned that it should not have, or left out; absent where all was well. */
export interface Anomaly {
  /** Keys (`writer:sequence`) acknowledged before the read was sent, or initial, yet not in its rows; at most 8. */
  readonly missing?: readonly string[];
  readonly missingCount?: number;
  readonly duplicated?: readonly string[];
  /** Rows that came again, where they are more than the keys that `duplicated` lists. */
  readonly duplicatedCount?: number;
  readonly corrupted?: readonly string[];
  /** Of the missing ones, written by the session that reads: read-your-writes is broken. At most 8. */
  readonly ownMissing?: readonly string[];
  readonly ownMissingCount?: number;
  /** Returned by an earlier read of the same session, and gone: monotonic reads are broken. At most 8. */
  readonly forgotten?: readonly string[];
  readonly forgottenCount?: number;
  /** Not wrong: writes that had ended unknown and that this read is the first to return. */
  readonly resolved?: readonly string[];
}

/** How to look at single rows again: `SELECT <columns> FROM <table> WHERE (<key>) IN ((1, 42))`. */
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
  /** The partition key that it concerns; absent for a scan. */
  readonly partitionKey?: number | undefined;
  /** Index of the partition key's partition; absent for a scan. */
  readonly partition?: number | undefined;
  /** When the schedule wanted it to start; latency counts from here. */
  readonly intendedAt: number;
  readonly sentAt: number;
  readonly settledAt: number;
  readonly outcome: Outcome;
  /** SQLSTATE, or the socket's error code (`ECONNREFUSED`), or `deadline`. */
  readonly errorCode?: string | undefined;
  readonly errorText?: string | undefined;
  /** `writer:sequence` of the row that a write carries. */
  readonly key?: string | undefined;
  /** Number of the client's session that sent it. */
  readonly session?: number | undefined;
  /** Rows that a read returned. */
  readonly rows?: number | undefined;
  /** Messages of the initial data set that a read returned with the right content. */
  readonly verified?: number | undefined;
  readonly anomaly?: Anomaly | undefined;
}

/** One kind of operation as the workload declares it. */
export interface OperationKind {
  readonly name: string;
  readonly access: 'read' | 'write';
  /** Whether it needs every partition, or just that of its partition key. */
  readonly scope: 'partition' | 'all';
  readonly ratePerSecond: number;
  readonly deadlineMs: number;
  /** The name of the route that it goes by; the main one of the cluster where it is absent. */
  readonly route?: string | undefined;
  /** Evenly spaced where it is absent. */
  readonly schedule?: 'constant' | 'poisson' | undefined;
  /** Most connections at once; absent: as many as rate and deadline can need. */
  readonly maxConnections?: number | undefined;
}

/** One kind of probe. */
export interface ProbeKind extends OperationKind {
  readonly scope: 'partition';
  /** For each partition. */
  readonly ratePerSecond: number;
  /** `fresh`: every one opens a connection. */
  readonly connection: 'pooled' | 'fresh';
}

/** One of several runs of a scenario, made because the machine was too busy to judge the one before. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly most: number;
}

/** The machine that pgquake runs on; where the servers run too, unless it attached elsewhere. */
export interface Machine {
  /** Kernel and architecture, `Linux 6.8.0 x64`. */
  readonly system: string;
  readonly processors: number;
  readonly memoryBytes: number;
  /** Of the minute before the run. */
  readonly loadAverage: number;
}

/** What was run, where and with what: the first thing in a run folder. */
export interface RunInfo {
  /** `<UTC time>-<scenario>`, the name of the run's folder. */
  readonly id: string;
  readonly scenario: string;
  readonly summary: string;
  readonly claim?: string;
  readonly seed: number;
  /** Wall clock at the run's zero, ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly pgquakeVersion: string;
  readonly nodeVersion: string;
  /** What its workload calls a partition key; `key` where it is absent. */
  readonly keyWord?: string;
  /** Of the load. */
  readonly kinds: readonly OperationKind[];
  /** Of the probes; empty where there were none. */
  readonly probes: readonly ProbeKind[];
  /** Messages of the initial data set. */
  readonly messages: number;
  /** Where the rows of the keys are. Absent in older histories. */
  readonly rows?: RowLookup & { readonly table: string };
  /** What checks may require and this run has not. Absent where it lacks nothing, and in older histories. */
  readonly lacks?: readonly Requirement[];
  /** Acts of the plan, so that a fault that never came is missed. */
  readonly plannedActs: number;
  /** The share of the scenario's rates that the load ran at, where `--fit` made it smaller; `kinds` has the smaller ones. */
  readonly fitted?: number;
  /** Set where `--retries` allows several attempts. */
  readonly attempt?: Attempt;
  /** pgquake's own machine. Absent in older histories. */
  readonly machine?: Machine;
  /** The threads of load and probes ran at realtime priority; at normal priority where it is absent. */
  readonly realtime?: true;
  /** The command line that runs it again. */
  readonly again: string;
}

/** Operations; those of a history in the order of their intended starts. Each turn gives an object of its own. */
export interface OperationLog extends Iterable<Operation> {
  readonly count: number;
  /** For passes over millions: hands out one row that moves on. Copy what is to be kept. */
  scan(): Iterable<OperationRow>;
  /** As columns, for passes that look at few of them. */
  readonly data: TableData;
}

export interface History {
  readonly run: RunInfo;
  /** In the order of time. */
  readonly events: readonly TimedEvent[];
  /** Of the load. */
  readonly operations: OperationLog;
  readonly probes: OperationLog;
  /**
   * Of the witness, of kinds `WITNESS_KINDS`. In place of a partition key it has the number of its node, from 1 in the order of
   * `cluster-formed`; the key of a write is that number and a sequence number of the node. Absent where roles do not
   * move, and in older histories.
   */
  readonly witness?: OperationLog;
}

/**
 * What a witness does on one node: it writes where the node is a primary, and asks a standby whether it still is one.
 * `kept`: on a session that lasts as long as its server lets it. `fresh`: on one that is opened anew every second.
 */
export const WITNESS_KINDS = ['kept-write', 'fresh-write', 'kept-ask', 'fresh-ask'] as const;
export type WitnessKind = (typeof WITNESS_KINDS)[number];

/** All events of one type, in the order of time. */
export function eventsOf<T extends RunEvent['type']>(history: Pick<History, 'events'>, type: T): EventOf<T>[] {
  return history.events.filter((event): event is EventOf<T> => event.type === type);
}

/**
 * What every workload is: a data set, kinds of operation, and for each the next operation to send.
 * It runs in the load generator's own thread; it says what to send, never when.
 */

import type { z } from 'zod';
import type { Dataset } from '../cluster/engine.ts';
import type { ReadSummary } from '../model/event.ts';
import type { Anomaly, OperationKind, Outcome, RowLookup } from '../model/history.ts';
import type { Session } from '../sql/session.ts';

/** What an operation that was answered tells. */
export interface Observed {
  readonly rows?: number;
  readonly verified?: number;
  readonly anomaly?: Anomaly;
}

/** One operation, ready to be sent on a session. */
export interface OperationRequest {
  readonly room?: number;
  /** The client's session that sends it, from 0: it is owed its own writes, and what it read before. */
  readonly session?: number;
  /** `writer:sequence` of the row it writes. */
  readonly key?: string;
  /**
   * Sends it and verifies the answer. Called at most once.
   * @param timeoutMs limit, none by default; when it passes the session is thrown away.
   * @throws as `Session.query`, and what it finds wrong with the answer.
   */
  run(session: Session, timeoutMs?: number): Promise<Observed>;
  /** Called once, when the operation has ended, whichever way. */
  settled(outcome: Outcome): void;
}

/** The state of a workload during one run: what was sent, what was acknowledged. */
export interface WorkloadRun {
  next(kind: string): OperationRequest;
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds workloads of all parameter types.
export interface Workload<P = any> {
  readonly name: string;
  readonly summary: string;
  /** A strict object of what stands beside `use`. */
  readonly params: z.ZodType<P>;
  /** Messages of the initial data set. */
  messages(params: P): number;
  /** Rooms of the data set, counted from 1. */
  rooms(params: P): number;
  dataset(params: P): Dataset;
  kinds(params: P): OperationKind[];
  /** @param writer who the messages of this run are from, 1 by default; no other run on the same tables has the same. */
  start(params: P, seed: number, writer?: number): WorkloadRun;
  /** The lowest writer without messages, for those that write; 1 on a new cluster. */
  nextWriter?(session: Session, timeoutMs: number): Promise<number>;
  /** Each read is compared with all writes that were acknowledged before it was sent; what it missed is recorded. */
  readonly readsAreHeldAgainstWrites?: true;
  /** The table whose rows are the messages. */
  readonly table: string;
  /** How a person looks again at single rows of it. */
  readonly lookup: RowLookup;
  /**
   * Reads all messages of one relation (the distributed table, or one placement of it) and verifies
   * each against its key. Fails after `timeoutMs`.
   */
  readAll(session: Session, relation: string, params: P, timeoutMs: number): Promise<ReadSummary>;
  /** A statement whose one row is equal for two relations that hold the same messages, whatever their order. */
  fingerprintSql(relation: string): string;
}

export function defineWorkload<P>(workload: Workload<P>): Workload<P> {
  return workload;
}

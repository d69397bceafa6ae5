/**
 * What every workload is: kinds of operation, and for each the next operation to send; where it has one, a data set, and
 * a ledger that accounts for its rows. It runs in the load generator's own thread; it says what to send, never when.
 */

import type { z } from 'zod';
import type { Dataset } from '../cluster/engine.ts';
import { errorText, InputError } from '../model/errors.ts';
import type { ReadSummary } from '../model/event.ts';
import type { Anomaly, OperationKind, Outcome, RowLookup } from '../model/history.ts';
import type { Session } from '../sql/session.ts';

/** What an operation that was answered tells. */
export interface Observed {
  readonly rows?: number;
  /** Rows of the initial data set that came back with the right content: without it, none counts as readable. */
  readonly verified?: number;
  readonly anomaly?: Anomaly;
}

/** One operation, ready to be sent on a session. */
export interface OperationRequest {
  readonly partitionKey?: number;
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

/**
 * What makes rows accountable: each has a key, `writer:sequence`, and its content follows from it. Writer 0 is the initial
 * data set, with the sequence numbers from 1; every run on the same tables is a writer of its own.
 */
export interface Ledger<P> {
  /** The table whose rows have keys, as SQL writes it after FROM: `messages`. */
  readonly table: string;
  /** How a person looks again at single rows of it. */
  readonly lookup: RowLookup;
  /** Rows of the initial data set. */
  initialRows(params: P): number;
  /** What people call such a value: `room`; `key` by default. */
  readonly keyWord?: string;
  /** Values of the distribution column, from 1, over which the initial rows are spread evenly. */
  partitionKeys(params: P): number;
  /**
   * Reads all rows of one relation (the distributed table, or one placement of it) and verifies each against its key.
   * Fails after `timeoutMs`.
   */
  readAll(session: Session, relation: string, params: P, timeoutMs: number): Promise<ReadSummary>;
  /**
   * A statement whose one row is equal for two relations that hold the same rows, whatever their order. Without it all is
   * read as clients read it, and no copy by itself.
   */
  fingerprintSql?(relation: string): string;
  /** Its table is none of the data set: copies of it are known only in a cluster whose nodes have all that clients see. */
  readonly madeByClients?: true;
  /** The lowest writer without rows, for workloads that write; 1 on a new cluster, and where it is missing. */
  nextWriter?(session: Session, timeoutMs: number): Promise<number>;
  /** Each read is compared with all writes that were acknowledged before it was sent; what it missed is recorded. */
  readonly readsAreHeldAgainstWrites?: true;
  /** Its operations belong to no session, so that none can be owed its own writes. */
  readonly sessionless?: true;
  /** Nothing verifies what the load's own reads return; the final reads alone are accounted for. */
  readonly unverifiedReads?: true;
}

/** The state of a workload during one run: what was sent, what was acknowledged. */
export interface WorkloadRun {
  next(kind: string): OperationRequest;
}

/** Something wrong with the parameters of a workload. */
export interface WorkloadProblem {
  /** Below `workload`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds workloads of all parameter types.
export interface Workload<P = any> {
  readonly name: string;
  readonly summary: string;
  /** `import.meta.url` of the module that exports it: the load runs in a thread of its own, which imports it there. */
  readonly source: string;
  /** A strict object of what stands beside `use`. */
  readonly params: z.ZodType<P>;
  /** All tables of its data set are in the schema `pgquake`: it can run where there are data of somebody else's. */
  readonly inOwnSchema?: true;
  /** What a cluster is formed with; nothing by default. */
  dataset?(params: P): Dataset;
  kinds(params: P): OperationKind[];
  /** Where the keys of a kind stand below `workload`; under its name by default. */
  pathOf?(params: P, kind: string): readonly (string | number)[];
  /** @param writer who the rows of this run are from, 1 by default; no other run on the same tables has the same. */
  start(params: P, seed: number, writer?: number): WorkloadRun;
  /**
   * Looks at what its schema cannot tell, such as files beside the scenario, before anything starts.
   * @param folder of the scenario, where relative paths count from.
   * @returns the parameters that a run uses, and what is wrong with them.
   */
  complete?(params: P, folder: string): Promise<{ readonly params: P; readonly problems: readonly WorkloadProblem[] }>;
  /**
   * Makes tables of its own and tries what it will send, once, on the formed cluster and before the load. A workload that
   * has it brings tables that no engine knows.
   * @returns what is wrong with the scenario; then nothing is broken.
   */
  setUp?(session: Session, params: P): Promise<readonly WorkloadProblem[]>;
  /** Without it nothing accounts for rows, and checks that need it are refused. */
  readonly ledger?: Ledger<P> | ((params: P) => Ledger<P> | undefined);
}

/** The ledger that a workload has with these parameters. */
export function ledgerOf<P>({ ledger }: Workload<P>, params: P): Ledger<P> | undefined {
  return typeof ledger === 'function' ? ledger(params) : ledger;
}

/** Whether it makes no table outside of the schema `pgquake`, but what its author lets it make himself. */
export function leavesNoTables({ dataset, inOwnSchema }: Workload): boolean {
  return dataset === undefined || inOwnSchema === true;
}

export function defineWorkload<P>(workload: Workload<P>): Workload<P> {
  return workload;
}

/** Where a workload is exported: what another thread needs to have it too. */
export interface WorkloadPlace {
  /** URL of the module. */
  readonly module: string;
  readonly export: string;
}

/**
 * Finds a workload among the exports of its own module.
 * @throws InputError where it is not among them, or the module cannot be loaded.
 */
export async function placeOf({ name, source }: Workload): Promise<WorkloadPlace> {
  const exports = await exportsOf(name, source);
  const found = Object.keys(exports).find((key) => isWorkload(exports[key]) && exports[key].name === name);
  if (found !== undefined) return { module: source, export: found };
  throw new InputError(`the workload ${name} is not exported by its source ${source}`, {
    code: 'workload-not-exported',
    hint: 'write "source: import.meta.url" into it, and export it from that module by a name of its own',
  });
}

/** The workload itself, imported anew where this thread has not done so yet. */
export async function workloadAt(place: WorkloadPlace): Promise<Workload> {
  const found = (await exportsOf(place.export, place.module))[place.export];
  if (isWorkload(found)) return found;
  throw new InputError(`${place.module} exports no workload as ${place.export}`, { code: 'workload-not-exported' });
}

async function exportsOf(name: string, source: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(source);
  } catch (error) {
    throw new InputError(`the workload ${name} cannot be loaded from its source ${source}: ${errorText(error)}`, {
      code: 'workload-not-exported',
      hint: 'write "source: import.meta.url" into it',
      cause: error,
    });
  }
}

function isWorkload(value: unknown): value is Workload {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Workload>).start === 'function';
}

/**
 * A workload: kinds of operation and the next operation of each; optionally a data set, and a ledger that accounts for
 * its rows. It runs in the load generator's thread and decides what is sent, never when.
 */

import { pathToFileURL } from 'node:url';
import type { z } from 'zod';
import type { Dataset } from '../cluster/engine.ts';
import { attributed, EnvironmentError, errorText, InputError } from '../model/errors.ts';
import type { ReadSummary } from '../model/event.ts';
import type { Anomaly, OperationKind, Outcome, RowLookup } from '../model/history.ts';
import { codeFolder } from '../model/package-files.ts';
import type { Session } from '../sql/session.ts';

/** What the answer of an operation shows. */
export interface Observed {
  readonly rows?: number;
  /** Rows of the initial data set that were read with the right contents; if absent, none counts as readable. */
  readonly verified?: number;
  readonly anomaly?: Anomaly;
}

/** One operation, ready to be sent on a session. */
export interface OperationRequest {
  readonly partitionKey?: number;
  /** The client session that sends it, from 0; its reads must return its own writes and what it read before. */
  readonly session?: number;
  /** `writer:sequence` of the row that it writes. */
  readonly key?: string;
  /**
   * Sends it and verifies the answer. Called at most once.
   * @param timeoutMs the limit, none by default; the session is discarded after it.
   * @throws like `Session.query`, and what is wrong with the answer.
   */
  run(session: Session, timeoutMs?: number): Promise<Observed>;
  /** Called once, when the operation has ended, with any outcome. */
  settled(outcome: Outcome): void;
}

/**
 * Makes rows accountable: each has a key, `writer:sequence`, from which its contents follow. Writer 0 is the initial data
 * set, with sequence numbers from 1; each run on the same tables is another writer.
 */
export interface Ledger<P> {
  /** The table whose rows have keys, as SQL writes it after FROM: `messages`. */
  readonly table: string;
  /** How a user looks up single rows. */
  readonly lookup: RowLookup;
  /** The number of rows in the initial data set. */
  initialRows(params: P): number;
  /** The word for a value of the distribution column: `room`; `key` by default. */
  readonly keyWord?: string;
  /** The number of values of the distribution column, from 1, over which the initial rows are spread evenly. */
  partitionKeys(params: P): number;
  /**
   * Reads all rows of one relation (the distributed table, or one placement of it) and verifies each against its key.
   * Fails after `timeoutMs`.
   */
  readAll(session: Session, relation: string, params: P, timeoutMs: number): Promise<ReadSummary>;
  /**
   * A statement whose single row is equal for relations with the same rows, in any order. Without it, rows are read only
   * through the cluster, and copies are not read one by one.
   */
  fingerprintSql?(relation: string): string;
  /** Its table is not in the data set: its copies are known only in a cluster whose nodes all hold everything. */
  readonly madeByClients?: true;
  /** The lowest writer without rows, for workloads that write; 1 on a new cluster or if it is missing. */
  nextWriter?(session: Session, timeoutMs: number): Promise<number>;
  /** Each read is compared with all writes acknowledged before it was sent; missing ones are recorded. */
  readonly readsAreHeldAgainstWrites?: true;
  /** Its operations belong to no session, so no read must return its session's own writes. */
  readonly sessionless?: true;
  /** The load's own reads are not verified; only the final reads account for rows. */
  readonly unverifiedReads?: true;
}

/** The state of a workload during one run: what was sent, what was acknowledged. */
export interface WorkloadRun {
  next(kind: string): OperationRequest;
}

/** Something wrong with the parameters of a workload. */
export interface WorkloadProblem {
  /** The path below `workload`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds workloads of all parameter types.
export interface Workload<P = any> {
  readonly name: string;
  readonly summary: string;
  /** `import.meta.url` of the module that exports it; the load's thread imports that module. */
  readonly source: string;
  /** A strict object of the keys beside `use`. */
  readonly params: z.ZodType<P>;
  /** All tables of its data set are in the schema `pgquake`, so it can run in a cluster with foreign data. */
  readonly inOwnSchema?: true;
  /** The data with which a cluster is formed; none by default. */
  dataset?(params: P): Dataset;
  kinds(params: P): OperationKind[];
  /** The path of a kind's keys below `workload`; its name by default. */
  pathOf?(params: P, kind: string): readonly (string | number)[];
  /** @param writer the writer of this run's rows, 1 by default; each run on the same tables has another one. */
  start(params: P, seed: number, writer?: number): WorkloadRun;
  /**
   * Checks what the schema cannot, such as files beside the scenario, before anything starts.
   * @param folder the scenario's folder, to which paths are relative.
   * @returns the parameters that a run uses, and what is wrong with them.
   */
  complete?(params: P, folder: string): Promise<{ readonly params: P; readonly problems: readonly WorkloadProblem[] }>;
  /**
   * Creates the workload's own tables, which no engine knows, and tries its statements once, on the formed cluster before
   * the load.
   * @returns what is wrong with the scenario; if anything is, the run ends without a fault.
   */
  setUp?(session: Session, params: P): Promise<readonly WorkloadProblem[]>;
  /** Without it, nothing accounts for rows, and checks that need it are refused. */
  readonly ledger?: Ledger<P> | ((params: P) => Ledger<P> | undefined);
}

/** @returns the workload's ledger with these parameters. */
export function ledgerOf<P>({ ledger }: Workload<P>, params: P): Ledger<P> | undefined {
  return typeof ledger === 'function' ? ledger(params) : ledger;
}

/** Whether it creates no table outside of the schema `pgquake`, apart from the user's own setup. */
export function leavesNoTables({ dataset, inOwnSchema }: Workload): boolean {
  return dataset === undefined || inOwnSchema === true;
}

export function defineWorkload<P>(workload: Workload<P>): Workload<P> {
  return workload;
}

/** Where a workload is exported, so that another thread can import it. */
export interface WorkloadPlace {
  /** URL of the module. */
  readonly module: string;
  readonly export: string;
}

/**
 * Finds a workload among the exports of its module.
 * @throws InputError if it is not exported, or if the module cannot be loaded.
 */
export async function placeOf({ name, source }: Workload): Promise<WorkloadPlace> {
  const exports = await exportsOf(name, source);
  const found = Object.keys(exports).find((key) => isWorkload(exports[key]) && exports[key].name === name);
  if (found !== undefined) return { module: source, export: found };
  throw new InputError(`the workload ${name} is not exported by its source ${source}`, {
    code: 'workload-not-exported',
    hint: 'set "source: import.meta.url" in it, and export it from that module by name',
  });
}

/** @returns the workload, imported if this thread has not done so yet. */
export async function workloadAt(place: WorkloadPlace): Promise<Workload> {
  const found = (await exportsOf(place.export, place.module))[place.export];
  if (isWorkload(found)) return found;
  throw new InputError(`${place.module} exports no workload as ${place.export}`, { code: 'workload-not-exported' });
}

async function exportsOf(name: string, source: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(source);
  } catch (error) {
    const missing = attributed(error);
    if (missing instanceof EnvironmentError && isOwn(source)) throw missing;
    throw new InputError(`the workload ${name} cannot be loaded from its source ${source}: ${errorText(error)}`, {
      code: 'workload-not-exported',
      hint: 'set "source: import.meta.url" in it',
      cause: error,
    });
  }
}

/** Whether a workload's module came with pgquake. */
function isOwn(source: string): boolean {
  return source.startsWith(pathToFileURL(codeFolder()).href);
}

function isWorkload(value: unknown): value is Workload {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Workload>).start === 'function';
}

/** The run's handle on a load thread, which recording, reporting and a slow terminal cannot delay. */

import type { Worker } from 'node:worker_threads';
import { mainRoute, type Route } from '../cluster/route.ts';
import type { Address } from '../model/address.ts';
import { endThread } from '../model/end-thread.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { ProbeKind } from '../model/history.ts';
import { OperationTable, type TableData } from '../model/operations.ts';
import type { PressureSpec } from '../model/scenario.ts';
import type { Accepts } from '../sql/hosts.ts';
import type { WorkloadPlace } from '../workloads/workload.ts';
import type { LoadKept, OpenOperations } from './load-generator.ts';
import type { PressureKept } from './pressure.ts';
import { RouteFollower } from './route-follower.ts';
import { SpareThread } from './spare-thread.ts';
import { untilReady } from './thread-ready.ts';

/** How often a load causes work besides its operations. */
export interface LoadPace {
  /** Between two batches of settled operations to the main thread; a crash loses at most one batch. */
  readonly handOverMs: number;
  /** The longest sleep of the schedule, so that a slow load notices delays of the event loop too. */
  readonly maxSleepMs: number;
  /** How often pgquake asks each route for its addresses; it also asks after a failed connection. */
  readonly routesEveryMs: number;
  /** All kinds of operation start together, because each wake-up of the thread costs as much as a statement. */
  readonly inStep: boolean;
}

export const LOAD_PACE: LoadPace = { handOverMs: 50, maxSleepMs: 20, routesEveryMs: 1_000, inStep: false };
/** For servers that are in use. */
export const LIGHT_LOAD_PACE: LoadPace = { handOverMs: 250, maxSleepMs: 100, routesEveryMs: 5_000, inStep: true };
/** The same for a run without faults, where no guard waits for the batches. */
export const WATCH_LOAD_PACE: LoadPace = { ...LIGHT_LOAD_PACE, handOverMs: 2_000, maxSleepMs: 200 };

/** The orders for a load thread. */
export interface LoadThreadData {
  /** The routes at the start, by name; changes follow as messages. */
  readonly routes: Readonly<Record<string, RouteToServers>>;
  /** The route of operations that name none. */
  readonly mainRoute: string;
  readonly originNs: bigint;
  readonly pace: LoadPace;
  /** Whether to run at realtime priority; false by default. */
  readonly realtime?: boolean | undefined;
  readonly partitionOfKey: Readonly<Record<number, number>>;
  readonly work: WorkloadWork | ProbeWork | PressureWork;
}

/** The same, without what `prepare` adds; `pace` is `LOAD_PACE` by default. */
type LoadData = Omit<LoadThreadData, 'routes' | 'mainRoute' | 'pace'> & Partial<Pick<LoadThreadData, 'pace'>>;

export interface RouteToServers {
  readonly addresses: readonly Address[];
  readonly accepts: Accepts;
}

export interface WorkloadWork {
  readonly type: 'workload';
  /** The workload's module, because functions cannot cross threads. */
  readonly workload: WorkloadPlace;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** The writer of this run's messages. */
  readonly writer: number;
  readonly maxConnections: number;
}

export interface ProbeWork {
  readonly type: 'probes';
  readonly kinds: readonly ProbeKind[];
  readonly partitionKeys: readonly number[];
  /** Who the rows of this run are from. */
  readonly run: number;
}

export interface PressureWork extends PressureSpec {
  readonly type: 'pressure';
  readonly partitionKeys: readonly number[];
  /** Who the rows of this run are from. */
  readonly run: number;
}

export type ToLoadThread =
  /** Starts at a share of the rates, from 0 to 1; sent again, it changes the pace. */
  | { readonly type: 'start'; readonly share: number }
  /** Starts counting how well the client keeps its schedule. */
  | { readonly type: 'measure' }
  | { readonly type: 'stop' }
  /** New connections by this route use these addresses from now on. */
  | { readonly type: 'addresses'; readonly route: string; readonly addresses: readonly Address[] };

export type FromLoadThread =
  | { readonly type: 'ready' }
  /** It could not begin. `environment`: because of a server or the system. */
  | {
      readonly type: 'failed';
      readonly environment: boolean;
      readonly code: string;
      readonly message: string;
      readonly hint?: string | undefined;
    }
  /** A connection by a route failed: its addresses may be outdated. */
  | { readonly type: 'unreached'; readonly route: string }
  | { readonly type: 'operations'; readonly batch: TableData }
  | ({ readonly type: 'open' } & OpenOperations)
  | { readonly type: 'stopped'; readonly kept: LoadKept | PressureKept };

/** Each operation leaves about a hundred short-lived objects; rarer collections delay the schedule less often. */
const YOUNG_GENERATION_MB = 64;

/** What a load thread can import before it has orders: the workload, if any. */
export type LoadPreload = WorkloadPlace | undefined;
export type SpareLoadThread = SpareThread<LoadThreadData, LoadPreload>;

/** @param entry the module that the thread runs. */
export function spareLoadThread(entry: URL, name: WorkName, preload?: WorkloadPlace): SpareLoadThread {
  return new SpareThread(entry, { name, preload, limits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } });
}

type WorkName = LoadThreadData['work']['type'];

/** Receives the thread's batches while it runs. */
export interface LoadListener {
  /** Operations, in the order in which they settled. */
  operations?(batch: OperationTable): void;
  /** Due operations without an answer. All others due before `at` have been handed over. */
  open?(open: OpenOperations): void;
}

/** `K` is what the thread reports at its end. */
export class Load<K extends LoadKept | PressureKept> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #followers: ReadonlyMap<string, RouteFollower>;
  readonly #stopped: Promise<K>;
  #stopping = false;

  private constructor(
    { worker, ended }: ReturnType<SpareLoadThread['take']>,
    followers: ReadonlyMap<string, RouteFollower>,
    listener: LoadListener,
  ) {
    this.#worker = worker;
    this.#followers = followers;
    this.#stopped = new Promise((resolve, reject) => {
      worker.on('message', (message: FromLoadThread) => {
        if (message.type === 'operations') listener.operations?.(OperationTable.from(message.batch));
        if (message.type === 'open') listener.open?.(message);
        if (message.type === 'unreached') void followers.get(message.route)?.ask();
        if (message.type === 'failed') reject(failureOf(message));
        if (message.type === 'stopped') resolve(message.kept as K);
      });
      ended.catch(reject);
    });
    // `stop` reports a rejection; until then it must not end the process.
    this.#stopped.catch(() => undefined);
  }

  /**
   * Gives a thread its orders; returns when its first connections are open and it is ready to start.
   * @param thread if this throws before the thread has its orders, the caller must dispose of it.
   * @param routes for its connections.
   * @throws EnvironmentError when a server does not answer or the system refuses realtime priority.
   */
  static async prepare<K extends LoadKept | PressureKept = LoadKept>(
    thread: SpareLoadThread,
    routes: Readonly<Record<string, Route>>,
    { pace = LOAD_PACE, ...data }: LoadData,
    { signal, ...listener }: LoadListener & { readonly signal?: AbortSignal } = {},
  ): Promise<Load<K>> {
    const known = await Promise.all(
      Object.entries(routes).map(async ([name, route]) => ({ name, route, addresses: await route.addresses() })),
    );
    const taken = thread.take({
      ...data,
      pace,
      routes: Object.fromEntries(
        known.map(({ name, route, addresses }) => [name, { addresses, accepts: route.accepts ?? 'any' }]),
      ),
      mainRoute: mainRoute(routes).name,
    });
    const { worker } = taken;
    const followers = known.map(({ name, route, addresses }) => {
      const tell = (changed: readonly Address[]) =>
        worker.postMessage({ type: 'addresses', route: name, addresses: changed } satisfies ToLoadThread);
      return [name, new RouteFollower(route, addresses, tell, pace.routesEveryMs)] as const;
    });
    const load = new Load<K>(taken, new Map(followers), listener);
    await untilReady(worker, { handle: load, stopped: load.#stopped }, signal);
    return load;
  }

  /** @param share of the rates, from 0 to 1. Call it again to change the pace. */
  start(share = 1): void {
    this.#send({ type: 'start', share });
  }

  /** Starts counting how well the client keeps its schedule; by default it counts from the start. */
  measure(): void {
    this.#send({ type: 'measure' });
  }

  /**
   * Ends the schedule and waits for operations under way.
   * @throws the thread's error, if it failed.
   */
  async stop(): Promise<K> {
    this.#askToStop();
    const kept = await this.#stopped;
    await this[Symbol.asyncDispose]();
    return kept;
  }

  #askToStop(): void {
    if (!this.#stopping) this.#send({ type: 'stop' });
    this.#stopping = true;
  }

  /** Ends the thread after a short grace period. Harmless twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const follower of this.#followers.values()) follower[Symbol.dispose]();
    this.#askToStop();
    await endThread(this.#worker, this.#stopped);
  }

  #send(message: ToLoadThread): void {
    this.#worker.postMessage(message);
  }
}

/** Restores the class of an error, which a message between threads loses. */
function failureOf({ environment, code, message, hint }: Extract<FromLoadThread, { type: 'failed' }>): Error {
  if (!environment) return new Error(message);
  return new EnvironmentError(message, { code, ...(hint === undefined ? {} : { hint }) });
}

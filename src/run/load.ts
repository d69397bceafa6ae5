/**
 * The run's handle on its load, or on its probes. The load generator lives in a thread of its own, so that recording,
 * reporting and a slow terminal cannot delay it.
 */

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
import { orAborted, saysReady } from './wait.ts';

/** How often a load causes work beside its operations. */
export interface LoadPace {
  /** Between two hand-overs of what has settled; a crash loses at most what was not handed over. */
  readonly handOverMs: number;
  /** The schedule wakes at least this often, so that a slow load sees the event loop's delays too. */
  readonly maxSleepMs: number;
  /** Each route is asked this often where it leads, and whenever a connection cannot be opened. */
  readonly routesEveryMs: number;
  /** All kinds of operation start together: each time the thread wakes costs as much as a statement. */
  readonly inStep: boolean;
}

export const LOAD_PACE: LoadPace = { handOverMs: 50, maxSleepMs: 20, routesEveryMs: 1_000, inStep: false };
/** Beside servers that others need. */
export const LIGHT_LOAD_PACE: LoadPace = { handOverMs: 250, maxSleepMs: 100, routesEveryMs: 5_000, inStep: true };
/** The same, where nothing is broken: no guard waits for what is handed over. */
export const WATCH_LOAD_PACE: LoadPace = { ...LIGHT_LOAD_PACE, handOverMs: 2_000, maxSleepMs: 200 };

/** What the thread is to do. */
export interface LoadThreadData {
  /** By name, where each route leads at the start; what changes comes as messages. */
  readonly routes: Readonly<Record<string, RouteToServers>>;
  /** The route of what names none. */
  readonly mainRoute: string;
  readonly originNs: bigint;
  readonly pace: LoadPace;
  /** Runs at realtime priority; normal priority by default. */
  readonly realtime?: boolean | undefined;
  readonly partitionOfKey: Readonly<Record<number, number>>;
  readonly work: WorkloadWork | ProbeWork | PressureWork;
}

/** The same, without what is found out; `pace` is `LOAD_PACE` by default. */
type LoadData = Omit<LoadThreadData, 'routes' | 'mainRoute' | 'pace'> & Partial<Pick<LoadThreadData, 'pace'>>;

/** A route as it is known in a thread. */
export interface RouteToServers {
  readonly addresses: readonly Address[];
  readonly accepts: Accepts;
}

export interface WorkloadWork {
  readonly type: 'workload';
  /** A thread has modules of its own, so the workload reaches it by its place. */
  readonly workload: WorkloadPlace;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Who the messages of this run are from. */
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
  /** At a share of the rates, from 0 to 1. Sent again, the schedule goes on at another pace. */
  | { readonly type: 'start'; readonly share: number }
  /** Figures of the client count from now on. */
  | { readonly type: 'measure' }
  | { readonly type: 'stop' }
  /** New connections by this route go there from now on. */
  | { readonly type: 'addresses'; readonly route: string; readonly addresses: readonly Address[] };

export type FromLoadThread =
  | { readonly type: 'ready' }
  /** It could not begin. `environment`: a server or the system kept it from that. */
  | {
      readonly type: 'failed';
      readonly environment: boolean;
      readonly code: string;
      readonly message: string;
      readonly hint?: string | undefined;
    }
  /** A connection could not be opened by a route: its addresses may be old ones. */
  | { readonly type: 'unreached'; readonly route: string }
  | { readonly type: 'operations'; readonly batch: TableData }
  | ({ readonly type: 'open' } & OpenOperations)
  | { readonly type: 'stopped'; readonly kept: LoadKept | PressureKept };

/**
 * Space for what is young in the thread's memory: of the hundred or so things that an operation leaves behind none
 * lives long, and the seldomer they are swept out, the seldomer the schedule waits for it.
 */
const YOUNG_GENERATION_MB = 64;

/** What a thread of the load can load before it has orders: the workload, where it is to pace one. */
export type LoadPreload = WorkloadPlace | undefined;
export type SpareLoadThread = SpareThread<LoadThreadData, LoadPreload>;

/** @param entry the module that the thread runs. */
export function spareLoadThread(entry: URL, name: WorkName, preload?: WorkloadPlace): SpareLoadThread {
  return new SpareThread(entry, { name, preload, limits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } });
}

type WorkName = LoadThreadData['work']['type'];

/** Hears what the thread says while it runs, once for each hand-over. */
export interface LoadListener {
  /** What has settled, in that order. */
  operations?(batch: OperationTable): void;
  /** What is due and has no answer yet. All else that was due before `at` has been handed over. */
  open?(open: OpenOperations): void;
}

/** `K` is what the thread tells at its end. */
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
    // Whoever awaits `stop` hears of it; until then it must not end the process.
    this.#stopped.catch(() => undefined);
  }

  /**
   * Gives a thread its orders; returns when its first connections are open and it is ready to start.
   * @param thread ended by whoever started it, where this throws before it has its orders.
   * @param routes where its connections go.
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
    try {
      await orAborted(Promise.race([saysReady(worker), load.#stopped]), signal);
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
    return load;
  }

  /** @param share of the rates, from 0 to 1. Called again, the schedule goes on at another pace. */
  start(share = 1): void {
    this.#send({ type: 'start', share });
  }

  /** How well the client keeps its schedule counts from now on; from the start by default. */
  measure(): void {
    this.#send({ type: 'measure' });
  }

  /**
   * Ends the schedule and waits for what is under way.
   * @throws what the thread died of, if it did.
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

  /** Ends the thread; what is under way gets a moment. Harmless twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const follower of this.#followers.values()) follower[Symbol.dispose]();
    this.#askToStop();
    await endThread(this.#worker, this.#stopped);
  }

  #send(message: ToLoadThread): void {
    this.#worker.postMessage(message);
  }
}

/** An error keeps no class on its way out of a thread. */
function failureOf({ environment, code, message, hint }: Extract<FromLoadThread, { type: 'failed' }>): Error {
  if (!environment) return new Error(message);
  return new EnvironmentError(message, { code, ...(hint === undefined ? {} : { hint }) });
}

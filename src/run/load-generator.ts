/**
 * The paced load: open-loop, every operation at its intended start whatever became of the ones before.
 * A stalled server does not slow the schedule down, and the client's own limits are counted apart.
 */

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Clock } from '../model/clock.ts';
import type { TimeRange } from '../model/figures.ts';
import { histogramTo } from '../model/histogram.ts';
import type { Operation, OperationKind } from '../model/history.ts';
import { type Classified, classifyError } from '../sql/outcome.ts';
import { DeadlineError, type Session } from '../sql/session.ts';
import type { Observed, OperationRequest, WorkloadRun } from '../workloads/workload.ts';
import { Connections } from './connections.ts';

/** Connections opened before the load starts, for each kind: enough for its rate at 20 ms an operation. */
const WARM_SECONDS = 0.02;

/** For each connection that is opened before the load starts. */
const WARM_LIMIT_MS = 10_000;

const MAX_SLEEP_MS = 20;
/** What starts in step waits no longer than this for its first operation. */
const MAX_STEP_MS = 1_000;

/**
 * An operation waits for one of the client's own connections for this share of its deadline, and is
 * `unsent` after that: sent with little time left it would fail, and the cluster would be blamed.
 */
const QUEUE_SHARE = 0.1;

/** What the client stands still for no longer than this is no matter: no window is told that is so short. */
const MIN_STALL_MS = 20;
const MAX_STALLS = 1_000;

export interface LoadKept {
  readonly intended: number;
  readonly unsent: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
  readonly eventLoopDelayMaxMs: number;
  /** When the client itself stood still for 20 ms or more, the first 1,000 times. */
  readonly stalls: readonly TimeRange[];
}

/** Operations that are due and have not settled. */
export interface OpenOperations {
  /** On the run's clock: all else that was due before it has settled. */
  readonly at: number;
  /** Their intended starts, by kind; kinds without any are left out. */
  readonly intendedAt: Readonly<Record<string, readonly number[]>>;
}

/** A row of operations with a schedule and connections of its own. */
export interface LaneSpec {
  readonly kind: OperationKind;
  /** Most connections at once; of no account where every operation opens its own. */
  readonly maxConnections: number;
  /**
   * Lanes of the same pool share connections; `maxConnections` is then that of the pool. Its own by default. Each takes the
   * one that it had last: a coordinator's session keeps one of its own to each worker that it has ever asked.
   */
  readonly pool?: string;
  /** The first use of a connection of this lane, where it differs from that of others. */
  readonly warmUp?: (session: Session) => Promise<unknown>;
  /** Where several lanes of a kind share its rate; that of the kind by default. */
  readonly ratePerSecond?: number;
  /**
   * `send`: every operation is sent at its time, whatever became of those before; it waits for a connection if it
   * must. `skip`: one at a time; what is due meanwhile is left out, because the one under way stands for it.
   */
  readonly whenBusy: 'send' | 'skip';
  /** Every operation opens a connection, which is part of it, and closes it. */
  readonly fresh?: boolean;
  /** Milliseconds from one operation to the next, drawn; evenly spaced where it is absent. */
  readonly gap?: () => number;
  /** What to send next. */
  next(): OperationRequest;
}

export interface LoadGeneratorOptions {
  readonly lanes: readonly LaneSpec[];
  /** @param route its name; the main one where it is left out. */
  readonly connect: (timeoutMs: number, route?: string) => Promise<Session>;
  readonly clock: Clock;
  readonly partitionOfKey: Readonly<Record<number, number>>;
  readonly settled: (operation: Operation) => void;
  /** The schedule wakes at least this often, 20 ms by default: a slow load sees the event loop's delays too. */
  readonly maxSleepMs?: number;
  /** All lanes start together, at a whole multiple of the shortest interval; evenly apart by default. */
  readonly inStep?: boolean;
}

interface Lane {
  readonly spec: LaneSpec;
  readonly connections: Connections;
  intervalMs: number;
  /** Of the first operation, where they are evenly spaced. */
  startAt: number;
  count: number;
  /** When the next operation is due. */
  dueAt: number;
  /** The connection that it used last, where it shares them. */
  last: Session | undefined;
  /** Operations under way: their intended starts by their ids. */
  readonly open: Map<number, number>;
}

/**
 * A lane for each kind of a workload.
 * @param maxConnections most that all of them together may have. In a total stall every operation holds a connection
 * until its deadline; that many are allowed if the server has them, else each kind has as many as the others, and none
 * more than it could use.
 * @param seed what is drawn for Poisson schedules follows from it.
 */
export function workloadLanes(
  kinds: readonly OperationKind[],
  workload: WorkloadRun,
  maxConnections: number,
  seed = 1,
): LaneSpec[] {
  const used = kinds.filter((kind) => kind.ratePerSecond > 0);
  const wanted = used.map(
    (kind) => kind.maxConnections ?? Math.ceil((kind.ratePerSecond * kind.deadlineMs) / 1_000) + 2,
  );
  const most = fairShare(wanted, maxConnections);
  return used.map((kind, i) => ({
    kind,
    maxConnections: Math.max(1, Math.min(wanted[i] as number, most)),
    whenBusy: 'send',
    ...(kind.schedule === 'poisson' ? { gap: poissonGap(kind.ratePerSecond, seed + i) } : {}),
    next: () => workload.next(kind.name),
  }));
}

/** The most that each may have so that all together have no more than `total`; those that want less leave it to the others. */
function fairShare(wanted: readonly number[], total: number): number {
  let left = total;
  for (const [i, n] of wanted.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(left / (wanted.length - i));
    if (n > share) return share;
    left -= n;
  }
  return Number.POSITIVE_INFINITY;
}

/** Times between independent arrivals are exponentially distributed. */
function poissonGap(ratePerSecond: number, seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => (-Math.log(1 - uniformFloat64(generator)) * 1_000) / ratePerSecond;
}

function advance(lane: Lane, share: number): void {
  lane.count++;
  // Not a sum of intervals, in which roundings would add up.
  lane.dueAt = lane.spec.gap ? lane.dueAt + lane.spec.gap() / share : lane.startAt + lane.count * lane.intervalMs;
}

/** Lanes that name the same pool share their connections. */
class Pools {
  readonly #connect: LoadGeneratorOptions['connect'];
  readonly #shared = new Map<string, Connections>();

  constructor(connect: LoadGeneratorOptions['connect']) {
    this.#connect = connect;
  }

  of({ pool, maxConnections, kind }: LaneSpec): Connections {
    const known = pool === undefined ? undefined : this.#shared.get(pool);
    const connections = known ?? new Connections(maxConnections, (timeoutMs) => this.#connect(timeoutMs, kind.route));
    if (pool !== undefined) this.#shared.set(pool, connections);
    return connections;
  }
}

export class LoadGenerator {
  readonly #options: LoadGeneratorOptions;
  readonly #lanes: readonly Lane[];
  #underWay = 0;
  #allSettled: () => void = () => undefined;
  /** In microseconds, from the intended start to the moment the client turned to it. */
  readonly #lateness = histogramTo(600_000_000);
  #eventLoopDelayMaxMs = 0;
  readonly #stalls: TimeRange[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When the next operation is due, of whichever lane. */
  #dueAt = Number.POSITIVE_INFINITY;
  #nextId = 1;
  #unsent = 0;
  /** Of the rates. */
  #share = 1;

  constructor(options: LoadGeneratorOptions) {
    this.#options = options;
    const pools = new Pools(options.connect);
    this.#lanes = options.lanes.map((spec) => ({
      spec,
      connections: pools.of(spec),
      intervalMs: 0,
      startAt: 0,
      count: 0,
      dueAt: 0,
      last: undefined,
      open: new Map(),
    }));
  }

  /**
   * Opens the first connections and uses each once, as an application that has been running would have; none where
   * every operation opens its own.
   */
  async warmUp(use: (session: Session) => Promise<void>): Promise<void> {
    const kept = this.#lanes.filter(({ spec }) => !spec.fresh);
    await Promise.all(
      kept.map(async (lane) => {
        const { spec, connections } = lane;
        const count = Math.min(Math.ceil(spec.kind.ratePerSecond * WARM_SECONDS) + 1, spec.maxConnections);
        const warm = async () => {
          const session = await connections.acquire(WARM_LIMIT_MS);
          await (spec.warmUp ?? use)(session);
          if (spec.pool !== undefined) lane.last = session;
          return session;
        };
        const sessions = await Promise.all(Array.from({ length: spec.pool === undefined ? count : 1 }, warm));
        for (const session of sessions) connections.release(session);
      }),
    );
  }

  /**
   * Starts the schedule, or starts it anew at another pace; what is under way goes on.
   * @param share of the rates, from 0 to 1.
   */
  start(share = 1): void {
    clearTimeout(this.#timer);
    this.#share = share;
    const { clock, inStep = false } = this.#options;
    const now = clock.nowMs();
    for (const lane of this.#lanes) {
      lane.intervalMs = 1_000 / ((lane.spec.ratePerSecond ?? lane.spec.kind.ratePerSecond) * share);
    }
    const stepMs = Math.min(MAX_STEP_MS, ...this.#lanes.map(({ intervalMs }) => intervalMs));
    this.#lanes.forEach((lane, i) => {
      // What is due at whole multiples is due together in all threads, and their writes share a flush.
      lane.startAt = inStep
        ? Math.ceil(now / stepMs) * stepMs
        : now + (lane.intervalMs * (i + 1)) / (this.#lanes.length + 1);
      lane.count = 0;
      lane.dueAt = lane.startAt;
    });
    this.#tick(now);
  }

  /** How well the schedule is kept counts from now on: a ramp is no measurement. */
  measure(): void {
    this.#lateness.reset();
    this.#eventLoopDelayMaxMs = 0;
    this.#stalls.length = 0;
  }

  /** What is under way, for those who must not wait until it has settled. */
  open(): OpenOperations {
    const intendedAt: Record<string, number[]> = {};
    for (const { spec, open } of this.#lanes) {
      if (open.size > 0) intendedAt[spec.kind.name] = [...(intendedAt[spec.kind.name] ?? []), ...open.values()];
    }
    // What is due and was not turned to yet is neither open nor settled.
    return { at: Math.min(this.#options.clock.nowMs(), this.#dueAt), intendedAt };
  }

  /** Ends the schedule, waits for what is under way (each has its deadline), closes the connections. */
  async stop(): Promise<LoadKept> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#allSettled = resolve;
      });
    }
    await Promise.all(this.#lanes.map((lane) => lane.connections.close()));
    return {
      intended: this.#nextId - 1,
      unsent: this.#unsent,
      latenessP99Ms: this.#lateness.getValueAtPercentile(99) / 1_000,
      latenessMaxMs: this.#lateness.maxValue / 1_000,
      eventLoopDelayMaxMs: this.#eventLoopDelayMaxMs,
      stalls: this.#stalls,
    };
  }

  /** @param plannedAt when it was to run; what it is late by is the event loop's delay. */
  #tick(plannedAt: number): void {
    const now = this.#options.clock.nowMs();
    this.#eventLoopDelayMaxMs = Math.max(this.#eventLoopDelayMaxMs, now - plannedAt);
    if (now - plannedAt >= MIN_STALL_MS && this.#stalls.length < MAX_STALLS) {
      this.#stalls.push({ fromMs: plannedAt, toMs: now });
    }
    this.#sendDue(now);
    const wakeAt = Math.min(this.#dueAt, now + (this.#options.maxSleepMs ?? MAX_SLEEP_MS));
    this.#timer = setTimeout(() => this.#tick(wakeAt), Math.max(0, wakeAt - this.#options.clock.nowMs()));
  }

  /** In the order of the intended starts, whatever their lanes: ids are given in it. */
  #sendDue(now: number): void {
    let { lane, due } = this.#next();
    while (lane && due <= now) {
      if (lane.spec.whenBusy === 'send' || lane.open.size === 0) {
        this.#lateness.recordValue(Math.max(1, Math.round((this.#options.clock.nowMs() - due) * 1_000)));
        void this.#perform(lane, due);
      }
      advance(lane, this.#share);
      ({ lane, due } = this.#next());
    }
    this.#dueAt = due;
  }

  /** The lane whose next operation is due first, and when. */
  #next(): { readonly lane: Lane | undefined; readonly due: number } {
    let first: Lane | undefined;
    let due = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes) {
      if (lane.dueAt < due) {
        first = lane;
        due = lane.dueAt;
      }
    }
    return { lane: first, due };
  }

  /** What `stop` waits for. */
  #ended(): void {
    if (--this.#underWay === 0) this.#allSettled();
  }

  /** One function from first to last, however long: each one more would leave as much behind for every operation. */
  async #perform(lane: Lane, intendedAt: number): Promise<void> {
    this.#underWay++;
    const { clock, partitionOfKey, settled, connect } = this.#options;
    const { spec, connections } = lane;
    const { kind, fresh } = spec;
    const request = spec.next();
    const id = this.#nextId++;
    lane.open.set(id, intendedAt);
    let session: Session | undefined;
    let sentAt: number | undefined;
    let observed: Observed | undefined;
    let failure: Classified | undefined;
    try {
      const leftMs = Math.max(0, intendedAt + kind.deadlineMs - clock.nowMs());
      if (fresh) sentAt = clock.nowMs();
      session = fresh
        ? await connect(leftMs, kind.route)
        : (connections.take(lane.last) ??
          (await connections.acquire(leftMs, Math.min(leftMs, kind.deadlineMs * QUEUE_SHARE))));
      if (spec.pool !== undefined) lane.last = session;
      const now = clock.nowMs();
      sentAt ??= now;
      observed = await request.run(session, Math.max(0, intendedAt + kind.deadlineMs - now));
    } catch (error) {
      // The limit that counts for people is the deadline, not what was left of it.
      const told = error instanceof DeadlineError ? new DeadlineError(kind.deadlineMs) : error;
      failure = classifyError(kind.access, told, sentAt !== undefined);
    }
    const settledAt = clock.nowMs();
    if (session && fresh) this.#close(session);
    else if (session) connections.release(session);
    const outcome = failure?.outcome ?? 'ok';
    if (outcome === 'unsent') this.#unsent++;
    request.settled(outcome);
    const { partitionKey } = request;
    settled({
      id,
      kind: kind.name,
      partitionKey,
      partition: partitionKey === undefined ? undefined : partitionOfKey[partitionKey],
      intendedAt,
      sentAt: sentAt ?? settledAt,
      settledAt,
      outcome,
      errorCode: failure?.code,
      errorText: failure?.text,
      key: request.key,
      session: request.session,
      rows: observed?.rows,
      verified: observed?.verified,
      anomaly: observed?.anomaly,
    });
    lane.open.delete(id);
    this.#ended();
    // Timers count whole milliseconds; where answers come more often than that, each is an occasion.
    if (settledAt >= this.#dueAt) this.#sendDue(settledAt);
  }

  /** Closing is no part of the operation. */
  #close(session: Session): void {
    this.#underWay++;
    void session.close().finally(() => this.#ended());
  }
}

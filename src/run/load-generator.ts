/**
 * The paced load, open-loop: every operation starts at its intended time, even while earlier ones stall. The client's
 * own limits are counted separately.
 */

import type { Clock } from '../model/clock.ts';
import type { TimeRange } from '../model/figures.ts';
import { histogramTo } from '../model/histogram.ts';
import type { Operation } from '../model/history.ts';
import { type Classified, classifyError } from '../sql/outcome.ts';
import { DeadlineError, type Session } from '../sql/session.ts';
import type { Observed } from '../workloads/workload.ts';
import { advance, type Connect, type Lane, type LaneSpec, Pools } from './lanes.ts';

/** Decides how many connections each kind opens before the load starts: enough for its rate at 20 ms an operation. */
const WARM_SECONDS = 0.02;

/** For each connection that is opened before the load starts. */
const WARM_LIMIT_MS = 10_000;

const MAX_SLEEP_MS = 20;
/** Lanes in step wait no longer than this for their first operation. */
const MAX_STEP_MS = 1_000;

/**
 * An operation waits for a free connection for this share of its deadline, and is then `unsent`: sent with little time
 * left it would fail, and the cluster would be blamed.
 */
const QUEUE_SHARE = 0.1;

/** Shorter pauses of the client do not matter, because no reported window is that short. */
const MIN_STALL_MS = 20;
const MAX_STALLS = 1_000;

export interface LoadKept {
  readonly intended: number;
  readonly unsent: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
  readonly eventLoopDelayMaxMs: number;
  /** The first 1,000 times when the client itself paused for 20 ms or more. */
  readonly stalls: readonly TimeRange[];
}

/** Due operations that have not settled. */
export interface OpenOperations {
  /** On the run's clock: all other operations due before then have settled. */
  readonly at: number;
  /** Their intended starts, by kind; kinds without any are left out. */
  readonly intendedAt: Readonly<Record<string, readonly number[]>>;
}

export interface LoadGeneratorOptions {
  readonly lanes: readonly LaneSpec[];
  readonly connect: Connect;
  readonly clock: Clock;
  readonly partitionOfKey: Readonly<Record<number, number>>;
  readonly settled: (operation: Operation) => void;
  /** The longest sleep of the schedule, 20 ms by default, so that a slow load notices delays of the event loop too. */
  readonly maxSleepMs?: number;
  /** All lanes start together, at a multiple of the shortest interval; by default they start evenly apart. */
  readonly inStep?: boolean;
}

export class LoadGenerator {
  readonly #options: LoadGeneratorOptions;
  readonly #lanes: readonly Lane[];
  #underWay = 0;
  #allSettled: () => void = () => undefined;
  /** In microseconds, from the intended start until the client handles the operation. */
  readonly #lateness = histogramTo(600_000_000);
  #eventLoopDelayMaxMs = 0;
  readonly #stalls: TimeRange[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When the next operation of any lane is due. */
  #dueAt = Number.POSITIVE_INFINITY;
  #nextId = 1;
  #unsent = 0;
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

  /** Opens the first connections and uses each once, like a running application; not for fresh connections. */
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
   * Starts the schedule, or restarts it at another pace; operations under way continue.
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
      // Multiples of the interval coincide in all threads, so that their writes share a flush.
      lane.startAt = inStep
        ? Math.ceil(now / stepMs) * stepMs
        : now + (lane.intervalMs * (i + 1)) / (this.#lanes.length + 1);
      lane.count = 0;
      lane.dueAt = lane.startAt;
    });
    this.#tick(now);
  }

  /** Starts counting how well the schedule is kept; the ramp does not count. */
  measure(): void {
    this.#lateness.reset();
    this.#eventLoopDelayMaxMs = 0;
    this.#stalls.length = 0;
  }

  /** The operations under way, for listeners that cannot wait until they settle. */
  open(): OpenOperations {
    const intendedAt: Record<string, number[]> = {};
    for (const { spec, open } of this.#lanes) {
      if (open.size > 0) intendedAt[spec.kind.name] = [...(intendedAt[spec.kind.name] ?? []), ...open.values()];
    }
    // An operation that is due but not yet handled is neither open nor settled.
    return { at: Math.min(this.#options.clock.nowMs(), this.#dueAt), intendedAt };
  }

  /** Ends the schedule, waits for operations under way (each has its deadline), and closes the connections. */
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

  /** @param plannedAt when it should have run; the difference is the event loop's delay. */
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

  /** Sends due operations of all lanes in the order of their intended starts, which is the order of ids. */
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

  /** The lane whose operation is due next, and when. */
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

  /** Counts an end that `stop` waits for. */
  #ended(): void {
    if (--this.#underWay === 0) this.#allSettled();
  }

  /** One long function on purpose: every further async call would leave more garbage for each operation. */
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
      // Reports the whole deadline, not what was left of it.
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
    // Timers count whole milliseconds; an answer is an earlier opportunity.
    if (settledAt >= this.#dueAt) this.#sendDue(settledAt);
  }

  /** Closing is not part of the operation. */
  #close(session: Session): void {
    this.#underWay++;
    void session.close().finally(() => this.#ended());
  }
}

/**
 * One series of the witness's sessions on a node: writes to a primary, asks a standby for its role. One statement at a
 * time is enough.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';
import type { Operation, WitnessKind } from '../model/history.ts';
import { formatKey } from '../model/key-ranges.ts';
import { classifyError } from '../sql/outcome.ts';
import type { Session } from '../sql/session.ts';
import { type Said, timelineOf, WITNESS_SQL } from './witness-table.ts';

/** How often the witness asks or writes on each node. */
export interface WitnessPace {
  /** Between two statements on a session that is kept, in milliseconds. */
  readonly keptEveryMs: number;
  /** The same for fresh sessions. Rarer, because they only show whether new sessions behave differently. */
  readonly freshEveryMs: number;
  /** How long a fresh session lasts; opening one costs the server more than its statements. */
  readonly freshForMs: number;
  /** Between two batches of settled operations to the main thread; a crash loses at most one batch. */
  readonly handOverMs: number;
  /** Between two questions for the nodes' addresses. */
  readonly routesEveryMs: number;
}

export const WITNESS_PACE: WitnessPace = {
  keptEveryMs: 50,
  freshEveryMs: 200,
  freshForMs: 2_000,
  handOverMs: 100,
  routesEveryMs: 1_000,
};
/** On servers that are in use. Two nodes that accept writes at once still show within 400 ms. */
export const LIGHT_WITNESS_PACE: WitnessPace = {
  keptEveryMs: 400,
  freshEveryMs: 2_000,
  freshForMs: 10_000,
  handOverMs: 2_000,
  routesEveryMs: 5_000,
};

/** For an answer on a fresh session. */
const FRESH_LIMIT_MS = 1_000;
const CONNECT_LIMIT_MS = 1_000;
/** Pause after a failed connection, so that a node that refuses is not asked 20 times a second. */
const RETRY_MS = 250;
/** A standby refuses to write. */
const READ_ONLY = '25006';

/** What the lanes of one node share. */
export interface WitnessedNode {
  /** From 1, in the order of the cluster's nodes. */
  readonly number: number;
  readonly name: string;
  /** The writer of this run's rows. */
  readonly run: number;
  connect(limitMs: number): Promise<Session>;
  nextSeq(): number;
  /** A number for a new session, unique in the run. */
  nextSession(): number;
  settled(operation: Omit<Operation, 'id'>): void;
  /** Reports the role that the node has just shown, with the times of question and answer. */
  said(said: Said, times: Pick<Operation, 'sentAt' | 'settledAt'>): void;
}

export interface LaneTimes {
  readonly everyMs: number;
  /** Between two attempts to open a session; 250 ms by default. */
  readonly retryMs?: number;
  /** How long a fresh session lasts. Its statements have at most that time, and at most a second. */
  readonly freshForMs: number;
}

interface Open {
  readonly session: Session;
  readonly number: number;
  readonly untilMs: number;
}

export class WitnessLane {
  readonly #node: WitnessedNode;
  readonly #clock: Clock;
  readonly #fresh: boolean;
  readonly #times: Required<LaneTimes>;
  #open: Open | undefined;
  /** Whether the node accepts writes, by its last answer; false until it has answered. */
  #writes = false;
  #over = false;
  #running: Promise<void> = Promise.resolve();

  constructor(node: WitnessedNode, { clock, fresh, times }: { clock: Clock; fresh: boolean; times: LaneTimes }) {
    this.#node = node;
    this.#clock = clock;
    this.#fresh = fresh;
    this.#times = { retryMs: RETRY_MS, ...times };
  }

  /** Opens the first session. @throws what connecting throws. */
  async open(limitMs: number): Promise<void> {
    this.#keep(await this.#node.connect(limitMs));
    await this.#perform(this.#open as Open);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Stops at once, without waiting for an answer under way. */
  async stop(): Promise<void> {
    this.#over = true;
    this.#open?.session.discard();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      const startedAt = this.#clock.nowMs();
      const open = this.#usable() ?? (await this.#reopen());
      if (open && !this.#over) await this.#perform(open);
      const pauseMs = open ? this.#times.everyMs : this.#times.retryMs;
      if (!this.#over) await sleep(Math.max(1, nextOf(startedAt, pauseMs) - this.#clock.nowMs()));
    }
  }

  #usable(): Open | undefined {
    const open = this.#open;
    if (!open?.session.usable) return undefined;
    if (open.untilMs > this.#clock.nowMs()) return open;
    void open.session.close();
    return undefined;
  }

  async #reopen(): Promise<Open | undefined> {
    const sentAt = this.#clock.nowMs();
    try {
      return this.#keep(await this.#node.connect(CONNECT_LIMIT_MS));
    } catch (error) {
      this.#tell('ask', { sentAt, ...failed('read', error, false) });
      return undefined;
    }
  }

  #keep(session: Session): Open {
    const untilMs = this.#fresh ? this.#clock.nowMs() + this.#times.freshForMs : Number.POSITIVE_INFINITY;
    this.#open = { session, number: this.#node.nextSession(), untilMs };
    if (this.#over) session.discard();
    return this.#open;
  }

  async #perform(open: Open): Promise<void> {
    // A node that is no longer a standby gets a write at once, which shows its timeline.
    if (!this.#writes) await this.#ask(open);
    if (this.#writes && open.session.usable) await this.#write(open);
  }

  /** A kept session waits without a limit: a resumed server's late answer shows whether it still accepts writes. */
  get #limit(): { readonly timeoutMs?: number } {
    return this.#fresh ? { timeoutMs: Math.min(FRESH_LIMIT_MS, this.#times.freshForMs) } : {};
  }

  async #ask({ session, number }: Open): Promise<void> {
    const sentAt = this.#clock.nowMs();
    try {
      const [row] = await session.query(WITNESS_SQL.ask, [], { name: 'witness-ask', ...this.#limit });
      const settledAt = this.#tell('ask', { sentAt, session: number, outcome: 'ok' });
      this.#writes = row?.[0] === false;
      if (!this.#writes) this.#node.said({ role: 'standby' }, { sentAt, settledAt });
    } catch (error) {
      this.#tell('ask', { sentAt, session: number, ...failed('read', error, true) });
    }
  }

  async #write({ session, number }: Open): Promise<void> {
    const { run, name, number: node } = this.#node;
    const seq = this.#node.nextSeq();
    const sentAt = this.#clock.nowMs();
    const of = { sentAt, session: number, key: formatKey(node, seq) };
    const values = [run, name, number, seq];
    try {
      const [row] = await session.query(WITNESS_SQL.write, values, { name: 'witness-write', ...this.#limit });
      const settledAt = this.#tell('write', { ...of, outcome: 'ok' });
      this.#node.said({ role: 'primary', timeline: timelineOf(row?.[0]) }, { sentAt, settledAt });
    } catch (error) {
      const failure = failed('write', error, true);
      this.#tell('write', { ...of, ...failure });
      if (failure.errorCode === READ_ONLY) this.#writes = false;
    }
  }

  /** @returns when it settled. */
  #tell(what: 'ask' | 'write', told: Pick<Operation, 'sentAt' | 'outcome'> & Partial<Operation>): number {
    const kind: WitnessKind = `${this.#fresh ? 'fresh' : 'kept'}-${what}`;
    const settledAt = this.#clock.nowMs();
    this.#node.settled({ kind, partitionKey: this.#node.number, intendedAt: told.sentAt, settledAt, ...told });
    return settledAt;
  }
}

/** The next multiple of the pause, so that the lanes of all nodes wake their thread together. */
function nextOf(startedAt: number, pauseMs: number): number {
  return (Math.round(startedAt / pauseMs) + 1) * pauseMs;
}

function failed(access: 'read' | 'write', error: unknown, sent: boolean) {
  const { outcome, code, text } = classifyError(access, error, sent);
  return { outcome, errorCode: code, errorText: text };
}

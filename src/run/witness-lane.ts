/**
 * One row of sessions that the witness has on one node: it writes where the node is a primary, and asks where it is a
 * standby. One statement is under way at a time, because the answer to it tells all that a second one could.
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
  /** Of the fresh kind, which only has to tell whether new sessions fare otherwise: every statement costs the server. */
  readonly freshEveryMs: number;
  /** How long a session of the fresh kind lasts: to open one costs the server more than all that is asked on it. */
  readonly freshForMs: number;
  /** Between two hand-overs of what has settled: a crash loses at most what was not handed over. */
  readonly handOverMs: number;
  /** Between two looks at where the nodes are. */
  readonly routesEveryMs: number;
}

export const WITNESS_PACE: WitnessPace = {
  keptEveryMs: 50,
  freshEveryMs: 200,
  freshForMs: 2_000,
  handOverMs: 100,
  routesEveryMs: 1_000,
};
/** On servers that others need: two nodes that take writes at one time are seen within two fifths of a second. */
export const LIGHT_WITNESS_PACE: WitnessPace = {
  keptEveryMs: 400,
  freshEveryMs: 2_000,
  freshForMs: 10_000,
  handOverMs: 2_000,
  routesEveryMs: 5_000,
};

/** For an answer on such a session. */
const FRESH_LIMIT_MS = 1_000;
const CONNECT_LIMIT_MS = 1_000;
/** A node that refuses is not asked 20 times a second. */
const RETRY_MS = 250;
/** A standby refuses to write. */
const READ_ONLY = '25006';

/** What the lanes of a node share. */
export interface WitnessedNode {
  /** From 1, in the order of the cluster's nodes. */
  readonly number: number;
  readonly name: string;
  /** Who the rows of this run are from. */
  readonly run: number;
  connect(limitMs: number): Promise<Session>;
  /** The next sequence number of the node. */
  nextSeq(): number;
  /** Unique to the session in the run. */
  nextSession(): number;
  settled(operation: Omit<Operation, 'id'>): void;
  /** What the node has just said of itself, asked and answered at these times. */
  said(said: Said, times: Pick<Operation, 'sentAt' | 'settledAt'>): void;
}

export interface LaneTimes {
  /** Between two statements. */
  readonly everyMs: number;
  /** Between two attempts to open a session; 250 ms by default. */
  readonly retryMs?: number;
  /** Of a session of the fresh kind; its statements have no longer than that, and at most a second. */
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
  /** Whether the node writes, as it last said; until then it is asked. */
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

  /** What is under way gets no answer any more. */
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
    // What is no standby any more is written to at once: the row tells its timeline.
    if (!this.#writes) await this.#ask(open);
    if (this.#writes && open.session.usable) await this.#write(open);
  }

  /**
   * A session that is kept waits as long as the server takes: one that was frozen answers when it goes on, and just
   * that answer shows that it still accepts writes.
   */
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

/** Whole multiples of the pause, so that the lanes of all nodes wake their thread together. */
function nextOf(startedAt: number, pauseMs: number): number {
  return (Math.round(startedAt / pauseMs) + 1) * pauseMs;
}

function failed(access: 'read' | 'write', error: unknown, sent: boolean) {
  const { outcome, code, text } = classifyError(access, error, sent);
  return { outcome, errorCode: code, errorText: text };
}

/**
 * The connections of one kind of operation; kinds never share a pool. An operation takes a free connection, or a new
 * one up to a cap. Beyond the cap it waits, and if it waits in vain, that is the client's failure, not the cluster's.
 */

import { DeadlineError, type Session } from '../sql/session.ts';

/**
 * Connections being opened at once. Accepting one costs a server far more than a statement, so opening one for every
 * due operation would keep it busy with nothing else.
 */
const MAX_OPENING = 4;

/**
 * After a refusal within this time, one attempt at a time serves all waiting operations. Without a primary, an attempt
 * for each would keep the machine busy. A slower failure says nothing about the next attempt.
 */
const REFUSED_WITHIN_MS = 250;

/** The pause between two such attempts is as long as the last one took, up to this. */
const MAX_REST_MS = 50;

/** Operations of one kind that may wait for a connection; further ones fail at once. */
const MAX_WAITING = 1_000;

/** The client had no free connection in time. */
export class NoConnectionError extends Error {
  readonly code = 'client-connections';

  constructor(cap: number) {
    super(`all ${cap} connections of the client were busy for too long`);
    this.name = 'NoConnectionError';
  }
}

/** The server answered on none of the client's connections within the operation's time. */
export class SilentServerError extends Error {
  readonly code = 'silent-server';

  constructor(cap: number) {
    super(`no answer on any of the client's ${cap} connections while the operation waited`);
    this.name = 'SilentServerError';
  }
}

interface Waiter {
  /** On the clock of `performance`. */
  readonly since: number;
  /** How long it may wait for one of the client's connections, on the clock of `performance`. */
  patientUntil: number;
  /** When half of its time is over, on the clock of `performance`. */
  readonly halfAt: number;
  readonly resolve: (session: Session) => void;
  readonly reject: (error: unknown) => void;
}

export class Connections {
  readonly #connect: (timeoutMs: number) => Promise<Session>;
  readonly #cap: number;
  readonly #free: Session[] = [];
  readonly #open = new Set<Session>();
  #opening = 0;
  /** When a server last answered a statement, or no statement was under way, on the clock of `performance`. */
  #answeredAt = performance.now();
  /** Limit for opening a connection: the whole time of an operation, not what the waiting ones have left. */
  #openLimitMs = 0;
  readonly #waiting: Waiter[] = [];
  /** When a server last refused, on the clock of `performance`. */
  #refusedAt = Number.NEGATIVE_INFINITY;
  /** No attempt is made while this timer is set. Clocks do not count, because a timer may fire early by them. */
  #rest: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(cap: number, connect: (timeoutMs: number) => Promise<Session>) {
    this.#cap = cap;
    this.#connect = connect;
  }

  /**
   * Takes a free connection, if there is one.
   * @param preferred taken if it is free.
   */
  take(preferred?: Session): Session | undefined {
    // Without a statement under way there is no silence.
    const asked = this.#free.length < this.#open.size || this.#opening > 0 || this.#waiting.length > 0;
    if (!asked) this.#answeredAt = performance.now();
    const at = preferred?.usable ? this.#free.indexOf(preferred) : -1;
    if (at !== -1) return this.#free.splice(at, 1)[0];
    for (let session = this.#free.pop(); session; session = this.#free.pop()) {
      if (session.usable) return session;
      this.#open.delete(session);
    }
    return undefined;
  }

  /**
   * Takes a free connection, opens one, or waits for one.
   * @param timeoutMs for opening a connection.
   * @param queueMs for waiting until one is free, where the cap is reached.
   * @throws NoConnectionError when none was free within `queueMs` although the server answered others;
   * SilentServerError when it answered none; either at once when too many wait already; the error of connecting;
   * `DeadlineError` when none opened within `timeoutMs`.
   */
  acquire(timeoutMs: number, queueMs: number = timeoutMs): Promise<Session> {
    const free = this.take();
    if (free) return Promise.resolve(free);
    // Only for the waiting ones: earlier limits, such as that of the warm-up, no longer apply.
    this.#openLimitMs = this.#waiting.length === 0 ? timeoutMs : Math.max(this.#openLimitMs, timeoutMs);
    if (this.#waiting.length >= MAX_WAITING) {
      const silent = performance.now() - this.#answeredAt >= queueMs;
      return Promise.reject(silent ? new SilentServerError(this.#cap) : new NoConnectionError(this.#cap));
    }
    // Below the cap an operation waits for the server to accept a connection, not for the client.
    const forServer = this.#open.size + this.#opening < this.#cap;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout;
      const since = performance.now();
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          settle(value);
        };
      const waiter: Waiter = {
        since,
        halfAt: since + timeoutMs / 2,
        patientUntil: forServer ? Number.POSITIVE_INFINITY : since + queueMs,
        resolve: settled(resolve),
        reject: settled(reject),
      };
      const giveUp = (error: Error) => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(error);
      };
      const wait = (ms: number, then: () => void) => {
        timer = setTimeout(then, Math.max(0, ms));
      };
      const silent = () => giveUp(forServer ? new DeadlineError(timeoutMs) : new SilentServerError(this.#cap));
      if (forServer) wait(timeoutMs, silent);
      else {
        wait(queueMs, () => {
          if (this.#answeredAt >= since) giveUp(new NoConnectionError(this.#cap));
          // The server answered on no connection meanwhile, so the operation may be waiting for the server.
          else wait(timeoutMs - queueMs, silent);
        });
      }
      this.#waiting.push(waiter);
      this.#openForWaiting();
    });
  }

  release(session: Session): void {
    if (session.usable) {
      this.#answered();
      this.#hand(session);
    } else {
      this.#open.delete(session);
      this.#openForWaiting();
    }
  }

  /**
   * The server has answered. Rejects operations that waited too long for a connection, unless the server had been
   * silent for an operation's whole time: then the wait was its fault, and they are sent.
   */
  #answered(): void {
    const now = performance.now();
    const silentMs = now - this.#answeredAt;
    this.#answeredAt = now;
    if (this.#waiting.length === 0) return;
    for (const waiter of this.#waiting.filter(({ patientUntil }) => patientUntil !== Number.POSITIVE_INFINITY)) {
      if (silentMs >= this.#openLimitMs) waiter.patientUntil = Number.POSITIVE_INFINITY;
      else if (now >= waiter.patientUntil) {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        waiter.reject(new NoConnectionError(this.#cap));
      }
    }
  }

  /** Closes all connections, including busy ones. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endRest();
    await Promise.all([...this.#open].map((session) => session.close()));
    this.#open.clear();
    this.#free.length = 0;
  }

  /**
   * Gives the connection to the oldest waiter, or to the newest once half of the oldest one's time is over. An
   * operation with little time left fails and drops its connection: if such operations came first, the load would never
   * recover from a slow phase of the server.
   */
  #hand(session: Session): void {
    const [longest] = this.#waiting;
    const waiter = longest && performance.now() < longest.halfAt ? this.#waiting.shift() : this.#waiting.pop();
    if (waiter) waiter.resolve(session);
    else this.#free.push(session);
  }

  /** Opens as many connections as the waiting operations can use, within the limits. */
  #openForWaiting(): void {
    if (this.#rest) return;
    const most = performance.now() - this.#refusedAt < REFUSED_WITHIN_MS ? 1 : MAX_OPENING;
    while (
      this.#waiting.length > this.#opening &&
      this.#opening < most &&
      this.#open.size + this.#opening < this.#cap
    ) {
      this.#opening++;
      void this.#openOne();
    }
  }

  /**
   * Opens a connection for whichever operation is waiting then. If it belonged to one operation, after a slow phase of
   * the server every attempt would be about to time out.
   */
  async #openOne(): Promise<void> {
    const startedAt = performance.now();
    try {
      const session = await this.#connect(this.#openLimitMs);
      this.#opening--;
      this.#refusedAt = Number.NEGATIVE_INFINITY;
      this.#endRest();
      if (this.#closed) session.discard();
      else {
        // Does not count as an answer: a primary that waits for a standby accepts connections but answers no statement.
        this.#open.add(session);
        this.#hand(session);
      }
    } catch (error) {
      this.#opening--;
      this.#refuse(startedAt, error);
    }
    this.#openForWaiting();
  }

  #endRest(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
  }

  /** Rejects all operations that waited when the failed attempt began; with open connections only the oldest. */
  #refuse(startedAt: number, error: unknown): void {
    if (this.#open.size > 0) {
      this.#waiting.shift()?.reject(error);
      return;
    }
    const now = performance.now();
    const tookMs = now - startedAt;
    if (tookMs < REFUSED_WITHIN_MS) {
      this.#refusedAt = now;
      this.#endRest();
      this.#rest = setTimeout(
        () => {
          this.#endRest();
          this.#openForWaiting();
        },
        Math.min(tookMs, MAX_REST_MS),
      );
    }
    const later = this.#waiting.filter(({ since }) => since > startedAt);
    for (const waiter of this.#waiting.splice(0, this.#waiting.length, ...later)) {
      if (waiter.since <= startedAt) waiter.reject(error);
    }
  }
}

/**
 * The connections of one kind of operation. Operations never share a pool across kinds: a free
 * connection, or a new one up to a cap; only beyond the cap an operation waits, and one that waited
 * in vain is the client's failure, not the cluster's.
 */

import { DeadlineError, type Session } from '../sql/session.ts';

/**
 * Connections being opened at one time. To accept one costs a server far more than a statement: when all are busy
 * for a moment, one for every operation that is due would keep a server busy with nothing else.
 */
const MAX_OPENING = 4;

/**
 * Where no server will have a session, as in a cluster without a primary, each operation would ask all of them in vain,
 * and the machine would do little else. So soon after an answer like that one connection is tried at a time, for all that
 * wait; what takes longer is no answer, and says nothing of the next.
 */
const REFUSED_WITHIN_MS = 250;

/** Between two such tries: as long as the last one took, and no longer than this. */
const MAX_REST_MS = 50;

/** Operations of one kind that wait for a connection; what comes on top is not kept. */
const MAX_WAITING = 1_000;

/** The client had no connection to spare in time. */
export class NoConnectionError extends Error {
  readonly code = 'client-connections';

  constructor(cap: number) {
    super(`all ${cap} connections of the client were busy for too long`);
    this.name = 'NoConnectionError';
  }
}

/** The server answered none of the client's connections for as long as the operation had time. */
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
  /** Until then it waits for a connection of the client; on the clock of `performance`. */
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
  /** When a statement was last answered, or nothing was asked, on the clock of `performance`. */
  #answeredAt = performance.now();
  /** For opening a connection: all the time that an operation has, whatever is left of it for those that wait. */
  #openLimitMs = 0;
  readonly #waiting: Waiter[] = [];
  /** When a server last refused, on the clock of `performance`. */
  #refusedAt = Number.NEGATIVE_INFINITY;
  /** While it runs no other try is made. A timer may end before its time by any clock: it is the rest itself. */
  #rest: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(cap: number, connect: (timeoutMs: number) => Promise<Session>) {
    this.#cap = cap;
    this.#connect = connect;
  }

  /**
   * A connection that is free now, if there is one.
   * @param preferred is taken if it is among them.
   */
  take(preferred?: Session): Session | undefined {
    // Nothing is asked: a silence begins with a question.
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
   * @param timeoutMs for waiting until a connection was opened.
   * @param queueMs for waiting until one comes free, where the cap is reached.
   * @throws NoConnectionError when none came free within `queueMs` though the server answered others; SilentServerError
   * when it answered none; either at once when too many wait already; what connecting throws, when a new one had to be
   * opened; `DeadlineError` when none was opened within `timeoutMs`.
   */
  acquire(timeoutMs: number, queueMs: number = timeoutMs): Promise<Session> {
    const free = this.take();
    if (free) return Promise.resolve(free);
    // Of those that wait: what had more time, such as the first connections of all, waits no more.
    this.#openLimitMs = this.#waiting.length === 0 ? timeoutMs : Math.max(this.#openLimitMs, timeoutMs);
    if (this.#waiting.length >= MAX_WAITING) {
      const silent = performance.now() - this.#answeredAt >= queueMs;
      return Promise.reject(silent ? new SilentServerError(this.#cap) : new NoConnectionError(this.#cap));
    }
    // What waits for the server to accept connections waits for the server, not for the client.
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
        // What waits for the server to accept connections waits for the server, not for the client.
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
          // The server answered on no connection meanwhile: it may be the server that the operation waits for.
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
   * The server answers. What waited for longer than it may wait for the client is not sent; but where the server had
   * been silent for as long as an operation has, that was the server's doing, and the operation gets its chance.
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

  /** Drops all of them, busy ones too. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endRest();
    await Promise.all([...this.#open].map((session) => session.close()));
    this.#open.clear();
    this.#free.length = 0;
  }

  /**
   * Whoever waits longest gets it, unless half of its time is over: then whoever came last. What has little time left
   * fails and takes the connection with it; were it first, then behind a server that had been slow for as long as
   * operations wait, every connection would be used up like this, and the load would fail for good.
   */
  #hand(session: Session): void {
    const [longest] = this.#waiting;
    const waiter = longest && performance.now() < longest.halfAt ? this.#waiting.shift() : this.#waiting.pop();
    if (waiter) waiter.resolve(session);
    else this.#free.push(session);
  }

  /** As many as those who wait can use, where there is a place for them. */
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
   * It is for whoever waits when it is there. Were it for one operation and within its time, then behind a server
   * that had been slow each attempt would be that of an operation whose time is nearly over, and none would succeed.
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
        // No answer: a server may accept connections and answer nothing on them, as a primary that waits for a standby.
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

  /**
   * It was for all who waited when it was begun, unless a connection that is there may yet come free for them; then it
   * was for whoever waits longest.
   */
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

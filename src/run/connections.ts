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

/** The client had no connection to spare in time. */
export class NoConnectionError extends Error {
  readonly code = 'client-connections';

  constructor(cap: number) {
    super(`all ${cap} connections of the client were busy for too long`);
    this.name = 'NoConnectionError';
  }
}

interface Waiter {
  readonly resolve: (session: Session | Promise<Session>) => void;
  readonly timer: NodeJS.Timeout;
  /** On `performance.now()`. */
  readonly expiresAt: number;
}

export class Connections {
  readonly #connect: (timeoutMs: number) => Promise<Session>;
  readonly #cap: number;
  readonly #free: Session[] = [];
  readonly #open = new Set<Session>();
  #opening = 0;
  readonly #waiting: Waiter[] = [];

  constructor(cap: number, connect: (timeoutMs: number) => Promise<Session>) {
    this.#cap = cap;
    this.#connect = connect;
  }

  /**
   * @param timeoutMs for opening a new connection.
   * @param queueMs for waiting until one comes free, where the cap is reached.
   * @throws NoConnectionError when none came free within `queueMs`; what connecting throws, when a new
   * one had to be opened; `DeadlineError` when others were still being opened after `timeoutMs`.
   */
  acquire(timeoutMs: number, queueMs: number = timeoutMs): Promise<Session> {
    for (let session = this.#free.pop(); session; session = this.#free.pop()) {
      if (session.usable) return Promise.resolve(session);
      this.#open.delete(session);
    }
    if (this.#mayOpen) return this.#openOne(timeoutMs);
    // What waits for the server to accept connections waits for the server, not for the client.
    const forServer = this.#open.size + this.#opening < this.#cap;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
          reject(forServer ? new DeadlineError(timeoutMs) : new NoConnectionError(this.#cap));
        },
        Math.max(0, forServer ? timeoutMs : queueMs),
      );
      const waiter: Waiter = { resolve, timer, expiresAt: performance.now() + timeoutMs };
      this.#waiting.push(waiter);
    });
  }

  release(session: Session): void {
    if (!session.usable) this.#open.delete(session);
    const waiter = session.usable ? this.#waiting.shift() : undefined;
    if (waiter) {
      clearTimeout(waiter.timer);
      waiter.resolve(session);
    } else if (session.usable) this.#free.push(session);
    else this.#openForNext();
  }

  /** Drops all of them, busy ones too. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((session) => session.close()));
    this.#open.clear();
    this.#free.length = 0;
  }

  get #mayOpen(): boolean {
    return this.#open.size + this.#opening < this.#cap && this.#opening < MAX_OPENING;
  }

  /** The first who waits may open a connection of its own, where there is a place for one. */
  #openForNext(): void {
    if (!this.#mayOpen) return;
    const waiter = this.#waiting.shift();
    if (!waiter) return;
    clearTimeout(waiter.timer);
    waiter.resolve(this.#openOne(waiter.expiresAt - performance.now()));
  }

  async #openOne(timeoutMs: number): Promise<Session> {
    this.#opening++;
    try {
      const session = await this.#connect(timeoutMs);
      this.#open.add(session);
      this.#opening--;
      this.#openForNext();
      return session;
    } catch (error) {
      this.#opening--;
      this.#openForNext();
      throw error;
    }
  }
}

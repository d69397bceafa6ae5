/**
 * Pressure: the lightest reads and writes, as fast as the servers answer. Pipelining suits throughput but distorts
 * latency, so pressure is counted but not judged.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../sql/session.ts';
import type { OperationRequest } from '../workloads/workload.ts';

/** Pause after a failed connection, since the server may be down for a while. */
const RECONNECT_AFTER_MS = 100;
/** A connection without an answer for this long is discarded. */
const SILENCE_LIMIT_MS = 5_000;

export interface PressureOptions {
  readonly connections: number;
  /** Statements under way on each connection. */
  readonly depth: number;
  readonly connect: () => Promise<Session>;
  readonly next: () => OperationRequest;
}

export interface PressureKept {
  readonly ok: number;
  readonly failed: number;
  readonly forMs: number;
}

export class Pressure {
  readonly #options: PressureOptions;
  readonly #stopping = new AbortController();
  readonly #sessions: Session[] = [];
  #work: readonly Promise<void>[] = [];
  #startedAt = 0;
  #ok = 0;
  #failed = 0;

  constructor(options: PressureOptions) {
    this.#options = options;
  }

  /** Opens the connections. */
  async open(): Promise<void> {
    const { connections, connect } = this.#options;
    this.#sessions.push(...(await Promise.all(Array.from({ length: connections }, () => connect()))));
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#work = this.#sessions.map((session) => this.#press(session));
  }

  /** Stops sending, waits for statements under way, and closes the connections. */
  async stop(): Promise<PressureKept> {
    this.#stopping.abort();
    await Promise.all(this.#work);
    return { ok: this.#ok, failed: this.#failed, forMs: performance.now() - this.#startedAt };
  }

  async #press(first: Session): Promise<void> {
    let session: Session | undefined = first;
    while (!this.#stopping.signal.aborted) {
      if (session) await this.#pressOn(session);
      if (this.#stopping.signal.aborted) break;
      session = await this.#options.connect().catch(() => undefined);
      if (!session) await sleep(RECONNECT_AFTER_MS);
    }
    await session?.close();
  }

  /** Sends until the connection fails or `stop` is called. */
  async #pressOn(session: Session): Promise<void> {
    let answered = 0;
    let seen = -1;
    const watch = setInterval(() => {
      if (answered === seen) session.discard();
      seen = answered;
    }, SILENCE_LIMIT_MS);
    const one = async () => {
      while (session.usable && !this.#stopping.signal.aborted) {
        const request = this.#options.next();
        try {
          await request.run(session);
          this.#ok++;
        } catch {
          this.#failed++;
        }
        answered++;
      }
    };
    await Promise.all(Array.from({ length: this.#options.depth }, one));
    clearInterval(watch);
  }
}

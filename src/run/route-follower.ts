/** Tells a thread when the addresses of its route change. */

import type { Route } from '../cluster/route.ts';
import type { Address } from '../model/address.ts';

/** The least time between two questions, however many connections fail. */
const AT_MOST_EVERY_MS = 100;

export class RouteFollower implements Disposable {
  readonly #route: Route;
  readonly #changed: (addresses: readonly Address[]) => void;
  readonly #timer: NodeJS.Timeout;
  #known: string;
  #asking = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param changed called with new addresses.
   * @param everyMs between two questions while all is well.
   */
  constructor(
    route: Route,
    known: readonly Address[],
    changed: (addresses: readonly Address[]) => void,
    everyMs: number,
  ) {
    this.#route = route;
    this.#known = JSON.stringify(known);
    this.#changed = changed;
    this.#timer = setInterval(() => void this.ask(), everyMs);
  }

  /** Asks now, unless it has just asked or is waiting. Keeps the last addresses if the route does not answer. */
  async ask(): Promise<void> {
    if (this.#asking || performance.now() - this.#askedAt < AT_MOST_EVERY_MS) return;
    this.#asking = true;
    this.#askedAt = performance.now();
    try {
      const addresses = await this.#route.addresses();
      const text = JSON.stringify(addresses);
      if (text !== this.#known) {
        this.#known = text;
        this.#changed(addresses);
      }
    } catch {
      // The node cannot be inspected now; the next question may succeed.
    } finally {
      this.#asking = false;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

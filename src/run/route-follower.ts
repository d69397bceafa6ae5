/** Keeps a thread of the load told where its route leads. */

import type { Route } from '../cluster/route.ts';
import type { Address } from '../model/address.ts';

/** However many connections cannot be opened. */
const AT_MOST_EVERY_MS = 100;

export class RouteFollower implements Disposable {
  readonly #route: Route;
  readonly #changed: (addresses: readonly Address[]) => void;
  readonly #timer: NodeJS.Timeout;
  #known: string;
  #asking = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param changed hears of addresses that differ from those before.
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

  /** Asks now, unless it has just asked or an earlier question is open. A route that cannot tell keeps the last addresses. */
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
      // Its node cannot be looked at right now: the next question may tell.
    } finally {
      this.#asking = false;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

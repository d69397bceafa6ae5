/** Availability: the share of due operations that succeeded. Operations that the client could not send do not count. */

import type { Availability } from '../model/figures.ts';
import type { Outcome } from '../model/history.ts';

export class Tally {
  #ok = 0;
  #fail = 0;
  #unknown = 0;
  #unsent = 0;

  add(outcome: Outcome): void {
    if (outcome === 'ok') this.#ok++;
    else if (outcome === 'fail') this.#fail++;
    else if (outcome === 'unknown') this.#unknown++;
    else this.#unsent++;
  }

  availability(): Availability {
    const intended = this.#ok + this.#fail + this.#unknown;
    return {
      intended,
      ok: this.#ok,
      fail: this.#fail,
      unknown: this.#unknown,
      unsent: this.#unsent,
      share: intended === 0 ? null : this.#ok / intended,
    };
  }
}

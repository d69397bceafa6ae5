/**
 * While workers go down one after the other: which of the living would be the end of a holder set. A walk of
 * `sample.ts` asks this some ten million times.
 */

import { type HolderSets, membersOf, setsOfWorker, sizeOf } from './holders.ts';

/** One walk after the other; a worker that has become fatal stays fatal to the end of its walk. */
export class FatalWorkers {
  /** 1 for each worker whose loss would now complete a holder set. */
  readonly fatal: Uint8Array;
  /** Sets that were looked at so far. */
  looks = 0;
  readonly #sets: HolderSets;
  readonly #down: Uint8Array;
  /** Those that hold a set alone. */
  readonly #sole: ReadonlySet<number>;
  readonly #sizes: Int32Array;
  /** Members of each set that are up. */
  readonly #living: Int32Array;

  constructor(sets: HolderSets) {
    this.#sets = sets;
    this.fatal = new Uint8Array(sets.workers);
    this.#down = new Uint8Array(sets.workers);
    this.#sizes = Int32Array.from({ length: sets.count }, (_, s) => sizeOf(sets, s));
    this.#living = this.#sizes.slice();
    const alone = [...this.#sizes.keys()].filter((s) => this.#sizes[s] === 1);
    this.#sole = new Set(alone.flatMap((s) => [...membersOf(sets, s)]));
  }

  /** All workers are up again. @returns how many are fatal from the start. */
  reset(): number {
    this.#down.fill(0);
    this.fatal.fill(0);
    this.#living.set(this.#sizes);
    for (const w of this.#sole) this.fatal[w] = 1;
    return this.#sole.size;
  }

  /**
   * @param w a worker that is up and not fatal.
   * @returns how many living workers have become fatal by it.
   */
  takeDown(w: number): number {
    this.#down[w] = 1;
    const mine = setsOfWorker(this.#sets, w);
    this.looks += mine.length;
    let becameFatal = 0;
    for (const s of mine) {
      const left = (this.#living[s] as number) - 1;
      this.#living[s] = left;
      if (left !== 1) continue;
      const survivor = membersOf(this.#sets, s).find((member) => this.#down[member] === 0) as number;
      if (this.fatal[survivor] === 0) becameFatal++;
      this.fatal[survivor] = 1;
    }
    return becameFatal;
  }
}

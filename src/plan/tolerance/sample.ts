/**
 * Estimates the share of fatal k-subsets for every k at once, where exact figures are out of reach. Each random walk
 * takes workers down one by one, always one whose loss is not fatal, and multiplies the shares of live workers that
 * were not fatal. The mean of the product after k steps is exactly the share of k-subsets that survive (sequential
 * importance sampling; Knuth 1975, "Estimating the efficiency of backtrack programs"). The variance is small for even
 * placements: about ten thousand walks are as good as a million random subsets, and each walk serves every k.
 */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { type HolderSets, membersOf, setsOfWorker, sizeOf } from './holders.ts';

export interface SampleOptions {
  /** From 0 to 2^32 - 1; the same seed gives the same figures. */
  readonly seed: number;
  /** Stops when the half-width of every interval is at most this, such as 0.001. */
  readonly halfWidth: number;
}

export interface Sampled {
  /** For k from 0 to n, with the half-widths of their 95 % intervals. */
  readonly shares: Float64Array;
  readonly halfWidths: Float64Array;
  readonly walks: number;
}

/** Walks between two checks, and the least number: enough for the normal approximation. */
const BATCH = 1_024;
/** Set visits, about a few seconds, before it stops with wider intervals than asked for. */
const MAX_LOOKS = 6e8;
/** Long walks cost most and add least: below this, one in four continues and counts fourfold ("Russian roulette"). */
const ROULETTE_BELOW = 0.01;
const ROULETTE_ODDS = 4;
const Z_95 = 1.959964;

export function sampleFatalShares(sets: HolderSets, { seed, halfWidth }: SampleOptions): Sampled {
  const n = sets.workers;
  const walker = new Walker(sets, seed);
  for (;;) {
    for (let i = 0; i < BATCH; i++) walker.walk();
    const halfWidths = walker.halfWidths();
    const wide = halfWidths.some((half) => half > halfWidth);
    if (wide && walker.looks < MAX_LOOKS) continue;
    const shares = Float64Array.from({ length: n + 1 }, (_, k) => 1 - walker.survivingShare(k));
    return { shares, halfWidths, walks: walker.walks };
  }
}

class Walker {
  walks = 0;
  readonly #workers: number;
  readonly #progress: FatalWorkers;
  readonly #random: ReturnType<typeof xoroshiro128plus>;
  /** All workers in any order; each walk shuffles as many as it needs. */
  readonly #pool: Int32Array;
  readonly #sum: Float64Array;
  readonly #sumOfSquares: Float64Array;

  constructor(sets: HolderSets, seed: number) {
    const n = sets.workers;
    this.#workers = n;
    this.#progress = new FatalWorkers(sets);
    this.#random = xoroshiro128plus(seed);
    this.#pool = Int32Array.from({ length: n }, (_, w) => w);
    this.#sum = new Float64Array(n + 1);
    this.#sumOfSquares = new Float64Array(n + 1);
  }

  get looks(): number {
    return this.#progress.looks;
  }

  walk(): void {
    const n = this.#workers;
    const progress = this.#progress;
    const { fatal } = progress;
    this.walks++;
    let fatalCount = progress.reset();
    let product = 1;
    let unseen = n;
    this.#add(0, 1);
    for (let k = 1; k <= n; k++) {
      const harmless = n - (k - 1) - fatalCount;
      product *= harmless / (n - (k - 1));
      if (product === 0) return;
      if (product < ROULETTE_BELOW) {
        if (uniformInt(this.#random, 1, ROULETTE_ODDS) !== 1) return;
        product *= ROULETTE_ODDS;
      }
      this.#add(k, product);
      let w: number;
      // A fatal worker stays fatal in this walk, so it leaves the pool for good.
      do w = this.#take(unseen--);
      while (fatal[w] === 1);
      fatalCount += progress.takeDown(w);
    }
  }

  survivingShare(k: number): number {
    return (this.#sum[k] as number) / this.walks;
  }

  /** The normal approximation, plus 3 / walks for events too rare to be seen (the "rule of three"). */
  halfWidths(): Float64Array {
    return Float64Array.from(this.#sum, (sum, k) => {
      const mean = sum / this.walks;
      const variance = Math.max(0, (this.#sumOfSquares[k] as number) / this.walks - mean * mean);
      return Z_95 * Math.sqrt(variance / this.walks) + 3 / this.walks;
    });
  }

  #add(k: number, product: number): void {
    this.#sum[k] = (this.#sum[k] as number) + product;
    this.#sumOfSquares[k] = (this.#sumOfSquares[k] as number) + product * product;
  }

  /** Draws one of the first `unseen` workers of the pool and moves it behind them. */
  #take(unseen: number): number {
    const at = uniformInt(this.#random, 0, unseen - 1);
    const w = this.#pool[at] as number;
    this.#pool[at] = this.#pool[unseen - 1] as number;
    this.#pool[unseen - 1] = w;
    return w;
  }
}

/** Tracks which workers are fatal during a walk. A fatal worker stays fatal to the end of its walk. */
class FatalWorkers {
  /** 1 for each worker whose loss would now complete a holder set. */
  readonly fatal: Uint8Array;
  /** Set visits so far. */
  looks = 0;
  readonly #sets: HolderSets;
  readonly #down: Uint8Array;
  /** Workers that are the only holder of a set. */
  readonly #sole: ReadonlySet<number>;
  readonly #sizes: Int32Array;
  /** The number of members of each set that are up. */
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

  /** Starts a walk with all workers up. @returns how many are fatal from the start. */
  reset(): number {
    this.#down.fill(0);
    this.fatal.fill(0);
    this.#living.set(this.#sizes);
    for (const w of this.#sole) this.fatal[w] = 1;
    return this.#sole.size;
  }

  /**
   * @param w a worker that is up and not fatal.
   * @returns how many live workers became fatal.
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

/**
 * Every subset of a few workers at once: how many partitions each loses, by summing over subsets in place
 * ("zeta transform"), n * 2^n additions.
 */

import { type HolderSets, membersOf } from './holders.ts';

/** 2^20 subsets take 4 MB and some 30 ms. */
export const MAX_ENUMERATED_WORKERS = 20;

/** Exact figures for k workers down, over all k-subsets. */
export interface Enumerated {
  readonly fatal: number;
  /** Partitions that the worst subset loses, and one such subset. */
  readonly worst: number;
  readonly worstWorkers: readonly number[];
}

/** @returns for k from 0 to the number of workers, for reads and for writes that need every placement. */
export function enumerate(sets: HolderSets): { readonly anyLives: Enumerated[]; readonly allLive: Enumerated[] } {
  const n = sets.workers;
  const everything = 2 ** n - 1;
  const lost = new Int32Array(2 ** n);
  let partitions = 0;
  for (let s = 0; s < sets.count; s++) {
    const mask = membersOf(sets, s).reduce((bits, w) => bits | (1 << w), 0);
    lost[mask] = (lost[mask] as number) + (sets.partitions[s] as number);
    partitions += sets.partitions[s] as number;
  }
  for (let bit = 1; bit <= everything; bit *= 2) {
    for (let mask = 0; mask <= everything; mask++) {
      if (mask & bit) lost[mask] = (lost[mask] as number) + (lost[mask ^ bit] as number);
    }
  }
  const read = new Tally(n);
  const write = new Tally(n);
  for (let mask = 0; mask <= everything; mask++) {
    read.add(mask, lost[mask] as number);
    // A partition keeps all its placements exactly when its holders are among the workers that live.
    write.add(mask, partitions - (lost[everything ^ mask] as number));
  }
  return { anyLives: read.rows(), allLive: write.rows() };
}

class Tally {
  readonly #fatal: Float64Array;
  readonly #worst: Int32Array;
  readonly #worstMask: Int32Array;

  constructor(n: number) {
    this.#fatal = new Float64Array(n + 1);
    this.#worst = new Int32Array(n + 1).fill(-1);
    this.#worstMask = new Int32Array(n + 1);
  }

  add(mask: number, lost: number): void {
    const k = bitsIn(mask);
    if (lost > 0) this.#fatal[k] = (this.#fatal[k] as number) + 1;
    if (lost > (this.#worst[k] as number)) {
      this.#worst[k] = lost;
      this.#worstMask[k] = mask;
    }
  }

  rows(): Enumerated[] {
    return Array.from(this.#fatal, (fatal, k) => ({
      fatal,
      worst: this.#worst[k] as number,
      worstWorkers: Array.from({ length: 32 }, (_, w) => w).filter((w) => ((this.#worstMask[k] as number) >> w) & 1),
    }));
  }
}

function bitsIn(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

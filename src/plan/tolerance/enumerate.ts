/** Visits every subset of workers, up to an affordable size, and counts what it loses to reads and to writes. */

import { binomial } from './combinatorics.ts';

import { type HolderSets, setsOfWorker, sizeOf } from './holders.ts';

/** Exact figures for k workers down, over all k-subsets. */
export interface Enumerated {
  readonly fatal: number;
  /** How many partitions the worst subset loses, and the first such subset. */
  readonly worst: number;
  readonly worstWorkers: readonly number[];
}

/** For k from 0 on. A partition is lost to reads without a live holder, and to writes with one holder down. */
export interface Enumeration {
  readonly reads: readonly Enumerated[];
  readonly writes: readonly Enumerated[];
}

/** @param looks the number of set visits allowed; 10^8 take about 0.5 s. Subsets of one worker are always visited. */
export function enumerate(sets: HolderSets, looks: number): Enumeration {
  const n = sets.workers;
  const most = affordable(sets, looks);
  const reads = new Tally(most);
  const writes = new Tally(most);
  const living = Int32Array.from({ length: sets.count }, (_, s) => sizeOf(sets, s));
  const down: number[] = [];
  let unread = 0;
  let unwritten = 0;
  const visit = (from: number): void => {
    reads.add(down, unread);
    writes.add(down, unwritten);
    if (down.length === most) return;
    for (let w = from; w < n; w++) {
      const before = { unread, unwritten };
      const mine = setsOfWorker(sets, w);
      for (const s of mine) {
        const partitions = sets.partitions[s] as number;
        if (living[s] === sizeOf(sets, s)) unwritten += partitions;
        living[s] = (living[s] as number) - 1;
        if (living[s] === 0) unread += partitions;
      }
      down.push(w);
      visit(w + 1);
      down.pop();
      for (const s of mine) living[s] = (living[s] as number) + 1;
      ({ unread, unwritten } = before);
    }
  };
  visit(0);
  return { reads: reads.rows, writes: writes.rows };
}

/** The size up to which visiting all subsets is affordable. */
function affordable({ workers, members }: HolderSets, looks: number): number {
  const looksForEach = 1 + members.length / workers;
  let left = looks;
  let k = 0;
  for (; k < workers; k++) {
    left -= Number(binomial(workers, k + 1)) * looksForEach;
    if (left < 0 && k >= 1) return k;
  }
  return k;
}

class Tally {
  readonly rows: { fatal: number; worst: number; worstWorkers: readonly number[] }[];

  constructor(most: number) {
    this.rows = Array.from({ length: most + 1 }, () => ({ fatal: 0, worst: -1, worstWorkers: [] }));
  }

  add(down: readonly number[], lost: number): void {
    const row = this.rows[down.length] as (typeof this.rows)[number];
    if (lost > 0) row.fatal++;
    if (lost <= row.worst) return;
    row.worst = lost;
    row.worstWorkers = [...down];
  }
}

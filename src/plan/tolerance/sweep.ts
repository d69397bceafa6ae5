/**
 * The exact share of fatal k-subsets for every k at once, also of a thousand workers, where the placement
 * is narrow: rings, disjoint groups, chains. Workers are swept in an order that keeps the sets that touch
 * each other together; what matters of the past is only which open sets have lost every member so far.
 * A placement without such structure (random, with many partitions) needs too many states: then `undefined`.
 *
 * States carry, for each k, the share of the C(i, k) ways to choose k of the i workers swept so far. Shares
 * only ever get averaged, so nothing overflows and small shares keep their digits.
 */

import { type HolderSets, membersOf, setsOfWorker, sizeOf } from './holders.ts';

/** Additions before it gives up: some 0.2 s. */
const MAX_STEPS = 1e8;
/** Handling one open set of a state costs about as much as so many additions. */
const STEPS_PER_OPEN_SET = 100;

interface State {
  /** Sets that are open and have lost every member swept so far; ascending. */
  readonly losing: readonly number[];
  readonly shares: Float64Array;
}

/** @returns for k from 0 to n the share of k-subsets that contain a minimal set; `undefined` where it is too much work. */
export function sweepFatalShares(minimal: HolderSets): Float64Array | undefined {
  const order = sweepOrder(minimal);
  const swept = new Uint8Array(minimal.workers);
  const remaining = Int32Array.from({ length: minimal.count }, (_, s) => membersOf(minimal, s).length);
  const pool = new Pool(minimal.workers + 1);
  let states = new Map<string, State>([['', { losing: [], shares: pool.take() }]]);
  (states.get('') as State).shares[0] = 1;
  let fatal = pool.take();
  let steps = 0;

  for (const [i, w] of order.entries()) {
    // As many states as now up to the end would be too many: placements without structure are told early.
    if (steps + states.size * (order.length - i) * (order.length + i) > MAX_STEPS) return undefined;
    const mine = [...setsOfWorker(minimal, w)];
    const opened = mine.filter((s) => membersOf(minimal, s).every((member) => swept[member] === 0));
    const isMine = new Set(mine);
    const closes = new Set(mine.filter((s) => remaining[s] === 1));
    const next = new Map<string, State>();
    const died = pool.take();

    for (const { losing, shares } of states.values()) {
      steps += 2 * (i + 2) + STEPS_PER_OPEN_SET * (1 + losing.length + opened.length);
      if (steps > MAX_STEPS) return undefined;
      const spared = losing.filter((s) => !isMine.has(s));
      addUp(sharesOf(next, spared, pool), shares, i);
      const downToo = [...losing, ...opened].sort((a, b) => a - b);
      addDown(downToo.some((s) => closes.has(s)) ? died : sharesOf(next, downToo, pool), shares, i);
      pool.giveBack(shares);
    }
    addUp(died, fatal, i);
    addDown(died, fatal, i);
    pool.giveBack(fatal);
    fatal = died;
    states = next;
    swept[w] = 1;
    for (const s of mine) remaining[s] = (remaining[s] as number) - 1;
  }
  return fatal;
}

/** Rows of zeros, used again and again: a sweep needs thousands, and few at a time. */
class Pool {
  readonly #length: number;
  readonly #free: Float64Array[] = [];

  constructor(length: number) {
    this.#length = length;
  }

  take(): Float64Array {
    return this.#free.pop()?.fill(0) ?? new Float64Array(this.#length);
  }

  giveBack(row: Float64Array): void {
    this.#free.push(row);
  }
}

function sharesOf(states: Map<string, State>, losing: readonly number[], pool: Pool): Float64Array {
  const key = losing.join();
  let state = states.get(key);
  if (!state) {
    state = { losing, shares: pool.take() };
    states.set(key, state);
  }
  return state.shares;
}

/** Of the ways to choose k of i + 1, (i + 1 - k) in i + 1 leave the newest out. */
function addUp(target: Float64Array, shares: Float64Array, i: number): void {
  const part = 1 / (i + 1);
  for (let k = 0; k <= i; k++) target[k] = (target[k] as number) + (shares[k] as number) * (i + 1 - k) * part;
}

/** And k in i + 1 take it. */
function addDown(target: Float64Array, shares: Float64Array, i: number): void {
  const part = 1 / (i + 1);
  for (let k = 0; k <= i; k++) target[k + 1] = (target[k + 1] as number) + (shares[k] as number) * (k + 1) * part;
}

/** As they are numbered, which suits a ring, or breadth first: whichever keeps fewer sets open at once. */
function sweepOrder(sets: HolderSets): number[] {
  const numbered = Array.from({ length: sets.workers }, (_, w) => w);
  const near = breadthFirst(sets);
  return mostOpenSets(sets, numbered) <= mostOpenSets(sets, near) ? numbered : near;
}

/** Sets of which some members are swept and some are not, where they are most. */
function mostOpenSets(sets: HolderSets, order: readonly number[]): number {
  const unswept = Int32Array.from({ length: sets.count }, (_, s) => sizeOf(sets, s));
  let open = 0;
  let most = 0;
  for (const w of order) {
    for (const s of setsOfWorker(sets, w)) {
      if (unswept[s] === sizeOf(sets, s)) open++;
      unswept[s] = (unswept[s] as number) - 1;
      if (unswept[s] === 0) open--;
    }
    most = Math.max(most, open);
  }
  return most;
}

/** Breadth first from a worker with few sets, component by component (Cuthill and McKee's order). */
function breadthFirst(sets: HolderSets): number[] {
  const degree = (w: number) => setsOfWorker(sets, w).length;
  const byDegree = Array.from({ length: sets.workers }, (_, w) => w).sort((a, b) => degree(a) - degree(b) || a - b);
  const seen = new Uint8Array(sets.workers);
  const order: number[] = [];
  for (const root of byDegree) {
    if (seen[root] === 1) continue;
    seen[root] = 1;
    let read = order.push(root) - 1;
    while (read < order.length) {
      const w = order[read++] as number;
      const near = new Set<number>();
      for (const s of setsOfWorker(sets, w)) for (const member of membersOf(sets, s)) near.add(member);
      for (const member of [...near].filter((x) => seen[x] === 0).sort((a, b) => degree(a) - degree(b) || a - b)) {
        seen[member] = 1;
        order.push(member);
      }
    }
  }
  return order;
}

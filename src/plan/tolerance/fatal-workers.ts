/**
 * While workers go down one after the other: which of the living would be the end of a holder set. A walk of
 * `sample.ts` asks this some ten million times, so it is where the map of many workers takes its time.
 *
 * Sets of two and three are listed beside each worker as the other members, one after the other in memory: who
 * goes down reads its list from end to end, and the flags that it looks up fit into the processor's nearest
 * cache. That takes half the time of a count for each set. Larger sets are counted, because looking up all
 * their members takes longer than that.
 */

import { type HolderSets, membersOf, sizeOf } from './holders.ts';

/** The largest sets that are listed. */
const MAX_LISTED = 3;

/** The others in sets of one size: those of worker `w` begin at `start[w]`, `size - 1` of them for each set. */
interface Listed {
  readonly size: number;
  readonly start: Int32Array;
  readonly others: Uint16Array | Int32Array;
}

/** One walk after the other; a worker that has become fatal stays fatal to the end of its walk. */
export class FatalWorkers {
  /** 1 for each worker whose loss would now complete a holder set. */
  readonly fatal: Uint8Array;
  /** Sets that were looked at so far. */
  looks = 0;
  readonly #down: Uint8Array;
  /** Those that hold a set alone. */
  readonly #sole: Uint8Array;
  readonly #soleCount: number;
  readonly #listed: readonly Listed[];
  readonly #counted: Counted | undefined;

  constructor(sets: HolderSets) {
    const n = sets.workers;
    this.fatal = new Uint8Array(n);
    this.#down = new Uint8Array(n);
    const bySize = Map.groupBy(
      Array.from({ length: sets.count }, (_, s) => s),
      (s) => Math.min(sizeOf(sets, s), MAX_LISTED + 1),
    );
    this.#sole = new Uint8Array(n);
    for (const s of bySize.get(1) ?? []) this.#sole[membersOf(sets, s)[0] as number] = 1;
    this.#soleCount = this.#sole.reduce((count, flag) => count + flag, 0);
    this.#listed = [...bySize]
      .filter(([size]) => size > 1 && size <= MAX_LISTED)
      .map(([size, ofSize]) => list(sets, size, ofSize));
    const large = bySize.get(MAX_LISTED + 1);
    this.#counted = large && new Counted(sets, large);
  }

  /** All workers are up again. @returns how many are fatal from the start. */
  reset(): number {
    this.#down.fill(0);
    this.fatal.set(this.#sole);
    this.#counted?.reset();
    return this.#soleCount;
  }

  /**
   * @param w a worker that is up and not fatal.
   * @returns how many living workers have become fatal by it.
   */
  takeDown(w: number): number {
    this.#down[w] = 1;
    let becameFatal = 0;
    for (const listed of this.#listed) {
      if (listed.size === 2) becameFatal += this.#closePairs(listed, w);
      else becameFatal += this.#closeTriples(listed, w);
    }
    return this.#counted ? becameFatal + this.#closeCounted(this.#counted, w) : becameFatal;
  }

  #mark(w: number): 0 | 1 {
    if (this.fatal[w] === 1) return 0;
    this.fatal[w] = 1;
    return 1;
  }

  /** No other member can be down: it would have been fatal since. */
  #closePairs({ start, others }: Listed, w: number): number {
    const { fatal } = this;
    const from = start[w] as number;
    const to = start[w + 1] as number;
    let becameFatal = 0;
    for (let at = from; at < to; at++) {
      const other = others[at] as number;
      becameFatal += 1 - (fatal[other] as number);
      fatal[other] = 1;
    }
    this.looks += to - from;
    return becameFatal;
  }

  /** One of the two others is down, or none. */
  #closeTriples({ start, others }: Listed, w: number): number {
    const down = this.#down;
    const from = start[w] as number;
    const to = start[w + 1] as number;
    let becameFatal = 0;
    for (let at = from; at < to; at += 2) {
      const a = others[at] as number;
      const b = others[at + 1] as number;
      if (down[a] === 1) becameFatal += this.#mark(b);
      else if (down[b] === 1) becameFatal += this.#mark(a);
    }
    this.looks += (to - from) / 2;
    return becameFatal;
  }

  #closeCounted(counted: Counted, w: number): number {
    const { start, setsOf, living } = counted;
    const from = start[w] as number;
    const to = start[w + 1] as number;
    let becameFatal = 0;
    for (let at = from; at < to; at++) {
      const s = setsOf[at] as number;
      const left = (living[s] as number) - 1;
      living[s] = left;
      if (left === 1) becameFatal += this.#mark(counted.survivorOf(s, this.#down));
    }
    this.looks += to - from;
    return becameFatal;
  }
}

function list(sets: HolderSets, size: number, ofSize: readonly number[]): Listed {
  const each = size - 1;
  const start = startsOf(sets, ofSize, each);
  const next = start.slice();
  const others = numbers(sets.workers, start[sets.workers] as number);
  for (const s of ofSize) {
    const members = membersOf(sets, s);
    for (const w of members) {
      let at = next[w] as number;
      for (const other of members) if (other !== w) others[at++] = other;
      next[w] = at;
    }
  }
  return { size, start, others };
}

/** For numbers below `end`. */
function numbers(end: number, length: number): Uint16Array | Int32Array {
  return end <= 2 ** 16 ? new Uint16Array(length) : new Int32Array(length);
}

/** Where the part of each worker begins, at `each` entries for each of its sets. */
function startsOf(sets: HolderSets, some: readonly number[], each: number): Int32Array {
  const start = new Int32Array(sets.workers + 1);
  for (const s of some) for (const w of membersOf(sets, s)) start[w + 1] = (start[w + 1] as number) + each;
  for (let w = 0; w < sets.workers; w++) start[w + 1] = (start[w + 1] as number) + (start[w] as number);
  return start;
}

/** The living members of large sets, counted down. */
class Counted {
  readonly #sets: HolderSets;
  readonly start: Int32Array;
  readonly setsOf: Uint16Array | Int32Array;
  readonly living: Uint8Array | Uint32Array;
  readonly #sizes: Uint8Array | Uint32Array;

  constructor(sets: HolderSets, large: readonly number[]) {
    this.#sets = sets;
    const sizes = Array.from({ length: sets.count }, (_, s) => sizeOf(sets, s));
    // Bytes where they do, because the cache holds more of them; the same for the numbers of sets.
    this.#sizes = sizes.every((size) => size < 2 ** 8) ? Uint8Array.from(sizes) : Uint32Array.from(sizes);
    this.living = this.#sizes.slice();
    this.start = startsOf(sets, large, 1);
    this.setsOf = numbers(sets.count, this.start[sets.workers] as number);
    const next = this.start.slice();
    for (const s of large) {
      for (const w of membersOf(sets, s)) {
        this.setsOf[next[w] as number] = s;
        next[w] = (next[w] as number) + 1;
      }
    }
  }

  reset(): void {
    this.living.set(this.#sizes);
  }

  survivorOf(s: number, down: Uint8Array): number {
    const { start, members } = this.#sets;
    let at = start[s] as number;
    while (down[members[at] as number] === 1) at++;
    return members[at] as number;
  }
}

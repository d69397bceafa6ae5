/**
 * Sets of keys (writer, sequence number), and their text form as ranges: `{"1": "1-412,414"}`.
 *
 * A run acknowledges millions of mostly consecutive keys, and the final read of each placement lists them again. A bit
 * a key, or a few characters a range, keeps them small.
 */

import type { PresentKeys } from './event.ts';

export interface Key {
  readonly writer: number;
  readonly seq: number;
}

/** `writer:sequence`, as operations, events and reports write a key. */
export function formatKey(writer: number, seq: number): string {
  return `${writer}:${seq}`;
}

/** @throws Error if the text is not a key. */
export function parseKey(text: string): Key {
  const colon = text.indexOf(':');
  const writer = Number(text.slice(0, colon));
  const seq = Number(text.slice(colon + 1));
  if (colon < 1 || colon === text.length - 1 || !Number.isSafeInteger(writer) || !Number.isSafeInteger(seq)) {
    throw new Error(`expected a key such as 1:42, found ${JSON.stringify(text)}`);
  }
  return { writer, seq };
}

const PAGE_BITS = 4_096;
const FULL_WORD = 0xffff_ffff;
/** Shared by all sets; safe because nothing is ever removed from a page. */
const FULL_PAGE = new Uint32Array(PAGE_BITS / 32).fill(FULL_WORD);

/** The sequence numbers of one writer: a bitmap that allocates only the pages in use. */
class SequenceSet {
  readonly #pages = new Map<number, Uint32Array>();
  /** The last page looked up; callers mostly ask for consecutive numbers. */
  #lastIndex = Number.NaN;
  #lastPage: Uint32Array | undefined;
  size = 0;

  has(seq: number): boolean {
    const index = Math.floor(seq / PAGE_BITS);
    const page = this.#known(index);
    if (!page) return false;
    const bit = seq - index * PAGE_BITS;
    return (((page[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1;
  }

  add(seq: number): void {
    const index = Math.floor(seq / PAGE_BITS);
    const page = this.#page(index);
    const bit = seq - index * PAGE_BITS;
    const word = page[bit >>> 5] as number;
    const mask = 1 << (bit & 31);
    if ((word & mask) !== 0) return;
    page[bit >>> 5] = word | mask;
    this.size++;
  }

  addRange(first: number, last: number): void {
    let seq = first;
    while (seq <= last) {
      // Ranges are long, so fill whole pages and words at once.
      const index = Math.floor(seq / PAGE_BITS);
      const bit = seq - index * PAGE_BITS;
      const pageLeft = PAGE_BITS - bit;
      const known = this.#known(index);
      if (known === FULL_PAGE) {
        seq += pageLeft;
      } else if (!known && bit === 0 && last - seq >= PAGE_BITS - 1) {
        this.#put(index, FULL_PAGE);
        this.size += PAGE_BITS;
        seq += PAGE_BITS;
      } else if ((bit & 31) === 0 && last - seq >= 31 && this.#page(index)[bit >>> 5] === 0) {
        this.#page(index)[bit >>> 5] = FULL_WORD;
        this.size += 32;
        seq += 32;
      } else {
        this.add(seq);
        seq++;
      }
    }
  }

  /** The numbers that are not in another set. */
  without(other: SequenceSet | undefined): SequenceSet {
    const result = new SequenceSet();
    for (const [index, page] of this.#pages) {
      const theirs = other ? other.#pages.get(index) : undefined;
      const rest = theirs ? page.map((word, i) => word & ~(theirs[i] as number)) : page.slice();
      if (rest.some((word) => word !== 0)) result.#put(index, rest);
    }
    for (const [first, last] of result.ranges()) result.size += last - first + 1;
    return result;
  }

  /** In ascending order, as pairs of first and last. */
  *ranges(): Generator<readonly [first: number, last: number]> {
    let first: number | undefined;
    let last = 0;
    for (const index of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(index) as Uint32Array;
      for (let bit = 0; bit < PAGE_BITS; bit++) {
        const word = page[bit >>> 5] as number;
        const seq = index * PAGE_BITS + bit;
        if ((bit & 31) === 0 && (word === 0 || (word === FULL_WORD && first !== undefined && last === seq - 1))) {
          if (word === FULL_WORD) last = seq + 31;
          bit += 31;
        } else if (((word >>> (bit & 31)) & 1) === 1) {
          if (first !== undefined && last !== seq - 1) {
            yield [first, last];
            first = undefined;
          }
          first ??= seq;
          last = seq;
        }
      }
    }
    if (first !== undefined) yield [first, last];
  }

  #page(index: number): Uint32Array {
    return this.#known(index) ?? this.#put(index, new Uint32Array(PAGE_BITS / 32));
  }

  #known(index: number): Uint32Array | undefined {
    if (index !== this.#lastIndex) {
      this.#lastPage = this.#pages.get(index);
      this.#lastIndex = index;
    }
    return this.#lastPage;
  }

  #put(index: number, page: Uint32Array): Uint32Array {
    this.#pages.set(index, page);
    this.#lastIndex = index;
    this.#lastPage = page;
    return page;
  }
}

const RANGE = /^(-?\d+)(?:-(-?\d+))?$/;

export class KeySet {
  readonly #writers = new Map<number, SequenceSet>();

  /**
   * A set with the keys of all texts.
   * @throws Error if a text is not a list of ranges.
   */
  static fromRanges(...texts: readonly PresentKeys[]): KeySet {
    const set = new KeySet();
    for (const text of texts) set.addRanges(text);
    return set;
  }

  get size(): number {
    let size = 0;
    for (const sequences of this.#writers.values()) size += sequences.size;
    return size;
  }

  add(writer: number, seq: number): void {
    this.#sequences(writer).add(seq);
  }

  has(writer: number, seq: number): boolean {
    return this.#writers.get(writer)?.has(seq) ?? false;
  }

  /** The keys that are not in another set. */
  without(other: KeySet): KeySet {
    const result = new KeySet();
    for (const [writer, sequences] of this.#writers) {
      result.#writers.set(writer, sequences.without(other.#writers.get(writer)));
    }
    return result;
  }

  /** @throws Error if the text is not a list of ranges. */
  addRanges(text: PresentKeys): void {
    for (const [writer, ranges] of Object.entries(text)) {
      const sequences = this.#sequences(Number(writer));
      if (ranges === '') continue;
      for (const range of ranges.split(',')) {
        const match = RANGE.exec(range);
        if (!match) throw new Error(`expected ranges such as 1-412,414, found ${JSON.stringify(range)}`);
        const first = Number(match[1]);
        sequences.addRange(first, match[2] === undefined ? first : Number(match[2]));
      }
    }
  }

  /** The shortest text; equal sets have equal texts. */
  toRanges(): PresentKeys {
    const result: Record<string, string> = {};
    for (const writer of this.#writersInOrder()) {
      const parts: string[] = [];
      for (const [first, last] of this.#sequences(writer).ranges()) {
        parts.push(first === last ? `${first}` : `${first}-${last}`);
      }
      if (parts.length > 0) result[writer] = parts.join(',');
    }
    return result;
  }

  /** All keys, by writer, then by sequence number. */
  *keys(): Generator<Key> {
    for (const writer of this.#writersInOrder()) {
      for (const [first, last] of this.#sequences(writer).ranges()) {
        for (let seq = first; seq <= last; seq++) yield { writer, seq };
      }
    }
  }

  #writersInOrder(): number[] {
    return [...this.#writers.keys()].sort((a, b) => a - b);
  }

  #sequences(writer: number): SequenceSet {
    let sequences = this.#writers.get(writer);
    if (!sequences) {
      sequences = new SequenceSet();
      this.#writers.set(writer, sequences);
    }
    return sequences;
  }
}

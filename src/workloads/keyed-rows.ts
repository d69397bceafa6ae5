/**
 * Self-verifying rows: the key is (writer, sequence), and room, author and body follow from it. A reader verifies
 * contents, not just counts, without a copy of the data. Writer 0 is the initial data set; each run on the same table is
 * a writer from 1.
 */

import type { CorruptRow, ReadSummary } from '../model/event.ts';
import { formatKey, type Key, KeySet, parseKey } from '../model/key-ranges.ts';
import type { Session } from '../sql/session.ts';
import { fingerprintOf, MAX_ODD_ROWS, range } from './rows.ts';
import type { Ledger } from './workload.ts';

export const INITIAL = 0;
export const FIRST = 1;

/** How rows are spread: evenly over rooms, each with its own authors. */
export interface Spread {
  readonly rooms: number;
  readonly 'members-per-room': number;
  /** In the initial data set. */
  readonly 'messages-per-room': number;
}

/** The statements on one table of such rows. */
export interface KeyedTable {
  readonly name: string;
  /** The word for a value of the first column. */
  readonly keyWord: string;
  /** Room, writer, sequence, member and body, in this order. */
  readonly columns: string;
  readonly read: string;
  readonly scan: string;
  readonly write: string;
}

/** @param keyWord the word for a value of the first column. */
export function keyedTable(
  name: string,
  columns: readonly [string, string, string, string, string],
  keyWord: string,
): KeyedTable {
  const list = columns.join(', ');
  return {
    name,
    keyWord,
    columns: list,
    read: `SELECT ${list} FROM ${name} WHERE ${columns[0]} = $1`,
    scan: `SELECT ${list} FROM ${name}`,
    write: `INSERT INTO ${name} (${list}) VALUES ($1, $2, $3, $4, $5)`,
  };
}

/** The rows of the initial data set, in the order of the columns. */
export function initialRows(spread: Spread): (string | number)[][] {
  return range(spread.rooms * spread['messages-per-room']).map((seq) => {
    const { room, member, body } = messageOf(INITIAL, seq, spread);
    return [room, INITIAL, seq, member, body];
  });
}

/** @param spreadOf how the workload's parameters spread the rows. */
export function keyedLedger<P>({ name, columns, keyWord }: KeyedTable, spreadOf: (params: P) => Spread) {
  return {
    keyWord,
    table: name,
    lookup: { columns, key: 'writer, seq' },
    readsAreHeldAgainstWrites: true,
    partitionKeys: (params) => spreadOf(params).rooms,
    initialRows: (params) => spreadOf(params).rooms * spreadOf(params)['messages-per-room'],
    async nextWriter(session, timeoutMs) {
      const [row] = await session.query(`SELECT coalesce(max(writer), 0) + 1 FROM ${name}`, [], { timeoutMs });
      return Number(row?.[0]);
    },
    fingerprintSql: fingerprintOf(`concat_ws(':', ${columns})`),
    async readAll(session: Session, relation: string, params: P, timeoutMs: number): Promise<ReadSummary> {
      const tally = new Tally(spreadOf(params), MAX_ODD_ROWS);
      const add = (row: readonly unknown[]) => tally.add(row as unknown as MessageRow);
      await session.forEachRow(`SELECT ${columns} FROM ${relation}`, [], add, { timeoutMs });
      const { rows, seen, duplicated, corrupted } = tally;
      const present = new KeySet();
      for (const code of seen) {
        const { writer, seq } = keyFrom(code);
        present.add(writer, seq);
      }
      return { rows, present: present.toRanges(), duplicated, corrupted };
    },
  } satisfies Ledger<P>;
}

interface Message {
  readonly room: number;
  readonly member: number;
  readonly body: string;
}

/** Multiples of the golden ratio modulo 1: consecutive numbers are far apart and fill the range evenly. */
function spread(seq: number): number {
  return (Math.imul(seq, 2_654_435_769) >>> 0) / 2 ** 32;
}

export function roomOf(writer: number, seq: number, chat: Spread): number {
  return writer === INITIAL ? Math.ceil(seq / chat['messages-per-room']) : Math.floor(spread(seq) * chat.rooms) + 1;
}

/** The room's members take turns writing and reading. */
export function memberOf(room: number, turn: number, chat: Spread): number {
  return (room - 1) * chat['members-per-room'] + (turn % chat['members-per-room']) + 1;
}

/** The contents that belong to a key. */
export function messageOf(writer: number, seq: number, chat: Spread): Message {
  const room = roomOf(writer, seq, chat);
  const member = memberOf(room, seq, chat);
  return { room, member, body: `message ${seq} of writer ${writer} in room ${room}: ${digest(writer, seq)}` };
}

/** Looks random and depends only on the key. It must be cheap, because every message that is read is compared with it. */
function digest(writer: number, seq: number): string {
  const low = mix(Math.imul(writer, 0x9e37_79b1) ^ seq);
  const high = mix(low ^ Math.imul(seq, 0x85eb_ca6b));
  // Not decimal: the runtime would cache decimal strings.
  return `${low.toString(36)}-${high.toString(36)}`;
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export type MessageRow = readonly [room: number, writer: number, seq: number, member: number, body: string];

/** @returns what is wrong with a row; `undefined` if it matches its key. */
function corruption([room, writer, seq, member, body]: MessageRow, chat: Spread): CorruptRow | undefined {
  const expected = messageOf(writer, seq, chat);
  if (expected.room === room && expected.member === member && expected.body === body) return undefined;
  const show = (r: unknown, m: unknown, b: unknown) => `room ${r}, member ${m}, ${JSON.stringify(b)}`;
  return {
    key: formatKey(writer, seq),
    found: show(room, member, body),
    expected: show(expected.room, expected.member, expected.body),
  };
}

const SEQUENCES = 2 ** 31;
const MAX_WRITER = 2 ** 20;

/**
 * A key in sets. Keys of the initial data and of a first run are small integers, which need little memory and no object
 * per row; a key that no run writes is a string.
 */
export type Code = number | string;

export function codeOf(writer: number, seq: number): Code {
  if (seq <= 0 || seq >= SEQUENCES || writer < INITIAL || writer > MAX_WRITER) return formatKey(writer, seq);
  if (writer === INITIAL) return -seq;
  return writer === FIRST ? seq : writer * SEQUENCES + seq;
}

export function keyFrom(code: Code): Key {
  if (typeof code === 'string') return parseKey(code);
  if (code < 0) return { writer: INITIAL, seq: -code };
  if (code < SEQUENCES) return { writer: FIRST, seq: code };
  return { writer: Math.floor(code / SEQUENCES), seq: code % SEQUENCES };
}

/** Verifies the rows of one answer and keeps their keys and what is odd about them. */
export class Tally {
  readonly #chat: Spread;
  readonly #maxOdd: number;
  readonly seen = new Set<Code>();
  readonly duplicated: string[] = [];
  readonly corrupted: CorruptRow[] = [];
  rows = 0;
  verified = 0;
  again = 0;

  constructor(chat: Spread, maxOdd: number) {
    this.#chat = chat;
    this.#maxOdd = maxOdd;
  }

  add(row: MessageRow): void {
    this.rows++;
    const [, writer, seq] = row;
    const code = codeOf(writer, seq);
    if (this.seen.has(code)) {
      this.again++;
      if (this.duplicated.length < this.#maxOdd) this.duplicated.push(formatKey(writer, seq));
      return;
    }
    this.seen.add(code);
    const odd = corruption(row, this.#chat);
    if (!odd) {
      if (writer === INITIAL) this.verified++;
    } else if (this.corrupted.length < this.#maxOdd) this.corrupted.push(odd);
  }
}

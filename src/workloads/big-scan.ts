/**
 * A table so large that a full scan takes a second or more, so that a fault can strike during one. Rows are counted as
 * they arrive: a system that repeats part of a broken query may return rows twice, which neither a set of keys nor a `>=`
 * would show.
 */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { z } from 'zod';
import type { CorruptRow, ReadSummary } from '../model/event.ts';
import type { Anomaly, OperationKind } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import type { Session } from '../sql/session.ts';
import { pace, pacedKind } from './pace.ts';
import { fingerprintOf, MAX_ODD_ROWS, MAX_WITNESSES, range } from './rows.ts';
import type { Observed, OperationRequest, Workload, WorkloadRun } from './workload.ts';

/** All rows belong to the initial data set; nothing is written. */
const WRITER = 0;
const KEY_DIGITS = 10;

const params = z.strictObject({
  rooms: z.int().min(1).max(100_000).default(1_000).describe('Rooms; the table is distributed by room.'),
  'messages-per-room': z.int().min(1).max(10_000).default(200).describe('Messages of each room.'),
  'message-bytes': z.int().min(KEY_DIGITS).max(100_000).default(1_000).describe('Length of each message.'),
  read: pace('20/s', '5s').describe('Reads all messages of one room, picked at random.'),
  scan: pace('30/m', '20s').describe('Reads all messages of all rooms to the end.'),
});

type BigScanParams = z.output<typeof params>;

type MessageRow = readonly [room: number, seq: number, body: string];

const COLUMNS = 'room_id, seq, body';

function roomOf(seq: number, big: BigScanParams): number {
  return Math.ceil(seq / big['messages-per-room']);
}

function bodyOf(seq: number, big: BigScanParams): string {
  const length = big['message-bytes'];
  return String(seq)
    .padStart(KEY_DIGITS, '0')
    .repeat(Math.ceil(length / KEY_DIGITS))
    .slice(0, length);
}

/** Counts and verifies the rows of one answer. */
class Tally {
  readonly #big: BigScanParams;
  readonly #maxOdd: number;
  readonly present = new KeySet();
  readonly duplicated: string[] = [];
  readonly corrupted: CorruptRow[] = [];
  rows = 0;
  verified = 0;
  #again = 0;

  constructor(big: BigScanParams, maxOdd: number) {
    this.#big = big;
    this.#maxOdd = maxOdd;
  }

  add([room, seq, body]: MessageRow): void {
    this.rows++;
    if (this.present.has(WRITER, seq)) {
      this.#again++;
      if (this.duplicated.length < this.#maxOdd) this.duplicated.push(formatKey(WRITER, seq));
      return;
    }
    this.present.add(WRITER, seq);
    const expectedRoom = roomOf(seq, this.#big);
    const expectedBody = bodyOf(seq, this.#big);
    if (room === expectedRoom && body === expectedBody) this.verified++;
    else if (this.corrupted.length < this.#maxOdd) {
      this.corrupted.push({
        key: formatKey(WRITER, seq),
        found: show(room, body),
        expected: show(expectedRoom, expectedBody),
      });
    }
  }

  observed(): Observed {
    const anomaly: Anomaly = {
      ...(this.#again > 0 ? { duplicated: this.duplicated, duplicatedCount: this.#again } : {}),
      ...(this.corrupted.length > 0 ? { corrupted: this.corrupted.map(({ key }) => key) } : {}),
    };
    const { rows, verified } = this;
    return { rows, verified, ...(Object.keys(anomaly).length > 0 ? { anomaly } : {}) };
  }
}

/** The start of the body is enough, because the body repeats. */
function show(room: number, body: string): string {
  return `room ${room}, ${Buffer.byteLength(body)} bytes ${JSON.stringify(body.slice(0, 2 * KEY_DIGITS))}`;
}

class BigScanRun implements WorkloadRun {
  readonly #big: BigScanParams;
  readonly #nextRoom: () => number;

  constructor(big: BigScanParams, seed: number) {
    this.#big = big;
    const generator = xoroshiro128plus(seed);
    this.#nextRoom = () => uniformInt(generator, 1, big.rooms);
  }

  next(kind: string): OperationRequest {
    if (kind === 'read') {
      const room = this.#nextRoom();
      return { partitionKey: room, ...this.#reading(`SELECT ${COLUMNS} FROM big_messages WHERE room_id = $1`, [room]) };
    }
    if (kind === 'scan') return this.#reading(`SELECT ${COLUMNS} FROM big_messages`, []);
    throw new Error(`big-scan has no operation "${kind}"`);
  }

  #reading(text: string, values: readonly unknown[]): OperationRequest {
    return {
      run: async (session, timeoutMs) => {
        const tally = new Tally(this.#big, MAX_WITNESSES);
        await session.forEachRow(text, values, (row) => tally.add(row as unknown as MessageRow), { timeoutMs });
        return tally.observed();
      },
      settled: () => undefined,
    };
  }
}

export const bigScan = {
  name: 'big-scan',
  summary: 'Full scans of a large table, and room reads beside them; nothing is written.',
  source: import.meta.url,
  params,

  kinds: (big): OperationKind[] => [
    pacedKind({ name: 'read', access: 'read', scope: 'partition' }, big.read),
    pacedKind({ name: 'scan', access: 'read', scope: 'all' }, big.scan),
  ],

  dataset: (big) => ({
    partitionKeys: range(big.rooms),
    tables: [
      {
        name: 'big_messages',
        columns: [
          { name: 'room_id', type: 'int' },
          { name: 'seq', type: 'int' },
          { name: 'body', type: 'text' },
        ],
        primaryKey: ['room_id', 'seq'],
        rows: range(big.rooms * big['messages-per-room']).map((seq) => [roomOf(seq, big), seq, bodyOf(seq, big)]),
      },
    ],
  }),

  start: (big, seed) => new BigScanRun(big, seed),

  ledger: {
    table: 'big_messages',
    lookup: { columns: COLUMNS, key: `${WRITER}, seq` },
    sessionless: true,
    keyWord: 'room',
    partitionKeys: (big) => big.rooms,
    initialRows: (big) => big.rooms * big['messages-per-room'],

    fingerprintSql: fingerprintOf(`concat_ws(':', ${COLUMNS})`),

    async readAll(session: Session, relation: string, big: BigScanParams, timeoutMs: number): Promise<ReadSummary> {
      const tally = new Tally(big, MAX_ODD_ROWS);
      const add = (row: readonly unknown[]) => tally.add(row as unknown as MessageRow);
      await session.forEachRow(`SELECT ${COLUMNS} FROM ${relation}`, [], add, { timeoutMs });
      const { rows, present, duplicated, corrupted } = tally;
      return { rows, present: present.toRanges(), duplicated, corrupted };
    },
  },
} satisfies Workload<BigScanParams>;

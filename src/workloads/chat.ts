/**
 * The chat of the mission: rooms, their members and their messages, distributed by room.
 *
 * Every message's key is (writer, sequence), and its room, its author and its body follow from the
 * key. So a reader verifies content and not just a count, and needs no copy of the data to do it.
 * Writer 0 is the initial data set; every run on the same tables is a writer of its own, from 1.
 */

import { createHash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { z } from 'zod';
import type { CorruptRow, ReadSummary } from '../model/event.ts';
import type { Anomaly, OperationKind } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import type { Session } from '../sql/session.ts';
import { pace, pacedKind } from './pace.ts';
import { probesTable } from './probes.ts';
import { defineWorkload, type Observed, type OperationRequest, type WorkloadRun } from './workload.ts';

const INITIAL = 0;
const FIRST = 1;
/** As many witnesses as a report shows of one operation. */
const MAX_WITNESSES = 8;
/** As many odd rows as a final read keeps. */
const MAX_ODD_ROWS = 100;

const params = z.strictObject({
  rooms: z.int().min(1).max(100_000).default(100).describe('Rooms; the tables are distributed by room.'),
  'members-per-room': z.int().min(1).max(1_000).default(2).describe('Members of each room.'),
  'messages-per-room': z.int().min(1).max(10_000).default(5).describe('Messages of each room before the run.'),
  read: pace('200/s', '2s').describe('Reads all messages of one room; every room in turn, in shuffled rounds.'),
  scan: pace('5/s', '2s').describe('Reads all messages of all rooms, so of every shard.'),
  write: pace('50/s', '2s').describe('Adds one message to a room.'),
});

type ChatParams = z.output<typeof params>;

interface Message {
  readonly room: number;
  readonly member: number;
  readonly body: string;
}

/** Multiples of the golden ratio, from 0 to 1: consecutive numbers land far apart and fill the range evenly. */
function spread(seq: number): number {
  return (Math.imul(seq, 2_654_435_769) >>> 0) / 2 ** 32;
}

/** What the key demands of its row. */
function messageOf(writer: number, seq: number, chat: ChatParams): Message {
  const room =
    writer === INITIAL ? Math.ceil(seq / chat['messages-per-room']) : Math.floor(spread(seq) * chat.rooms) + 1;
  const member = (room - 1) * chat['members-per-room'] + (seq % chat['members-per-room']) + 1;
  const digest = createHash('sha1').update(`${writer}:${seq}`).digest('base64url');
  return { room, member, body: `message ${seq} of writer ${writer} in room ${room}: ${digest}` };
}

type MessageRow = readonly [room: number, writer: number, seq: number, member: number, body: string];

/** @returns what is wrong with a row, or `undefined` where it is as its key demands. */
function corruption([room, writer, seq, member, body]: MessageRow, chat: ChatParams): CorruptRow | undefined {
  const expected = messageOf(writer, seq, chat);
  if (expected.room === room && expected.member === member && expected.body === body) return undefined;
  const show = (r: unknown, m: unknown, b: unknown) => `room ${r}, member ${m}, ${JSON.stringify(b)}`;
  return {
    key: formatKey(writer, seq),
    found: show(room, member, body),
    expected: show(expected.room, expected.member, expected.body),
  };
}

const COLUMNS = 'room_id, writer, seq, member_id, body';

/** What was sent and what was acknowledged; decides what each read has to find. */
class ChatRun implements WorkloadRun {
  readonly #chat: ChatParams;
  readonly #writer: number;
  readonly #random: () => number;
  /** Sequence numbers of acknowledged writes, by room, in the order of their acknowledgement. */
  readonly #acknowledged = new Map<number, number[]>();
  readonly #acknowledgedInOrder: number[] = [];
  #round: number[] = [];
  #nextSeq = 1;

  constructor(chat: ChatParams, seed: number, writer = FIRST) {
    this.#chat = chat;
    this.#writer = writer;
    const generator = xoroshiro128plus(seed);
    this.#random = () => uniformInt(generator, 0, 0x3fffffff);
  }

  next(kind: string): OperationRequest {
    if (kind === 'read') return this.#read();
    if (kind === 'scan') return this.#scan();
    if (kind === 'write') return this.#write();
    throw new Error(`chat has no operation "${kind}"`);
  }

  #read(): OperationRequest {
    const room = this.#nextRoom();
    const known = this.#acknowledged.get(room) ?? [];
    return {
      room,
      run: async (session) => {
        const due = known.length;
        const rows = await session.query(`SELECT ${COLUMNS} FROM messages WHERE room_id = $1`, [room], {
          name: 'chat-read',
        });
        return this.#verify(rows, known, due);
      },
      settled: () => undefined,
    };
  }

  #scan(): OperationRequest {
    return {
      run: async (session) => {
        const due = this.#acknowledgedInOrder.length;
        const rows = await session.query(`SELECT ${COLUMNS} FROM messages`, [], { name: 'chat-scan' });
        return this.#verify(rows, this.#acknowledgedInOrder, due);
      },
      settled: () => undefined,
    };
  }

  #write(): OperationRequest {
    const seq = this.#nextSeq++;
    const writer = this.#writer;
    const { room, member, body } = messageOf(writer, seq, this.#chat);
    return {
      room,
      key: formatKey(writer, seq),
      run: async (session) => {
        await session.query(
          `INSERT INTO messages (${COLUMNS}) VALUES ($1, $2, $3, $4, $5)`,
          [room, writer, seq, member, body],
          { name: 'chat-write' },
        );
        return {};
      },
      settled: (outcome) => {
        if (outcome !== 'ok') return;
        const list = this.#acknowledged.get(room);
        if (list) list.push(seq);
        else this.#acknowledged.set(room, [seq]);
        this.#acknowledgedInOrder.push(seq);
      },
    };
  }

  /** Every room once a round, so that each is seen as often as the rate allows. */
  #nextRoom(): number {
    if (this.#round.length === 0) {
      this.#round = Array.from({ length: this.#chat.rooms }, (_, i) => i + 1);
      for (let i = this.#round.length - 1; i > 0; i--) {
        const j = this.#random() % (i + 1);
        const swapped = this.#round[i] as number;
        this.#round[i] = this.#round[j] as number;
        this.#round[j] = swapped;
      }
    }
    return this.#round.pop() as number;
  }

  /** @param due how many of `known` were acknowledged before the read was sent. */
  #verify(rows: readonly (readonly unknown[])[], known: readonly number[], due: number): Observed {
    const seen = new Set<string>();
    const duplicated: string[] = [];
    const corrupted: string[] = [];
    let verified = 0;
    for (const row of rows as readonly MessageRow[]) {
      const key = formatKey(row[1], row[2]);
      if (seen.has(key)) {
        duplicated.push(key);
        continue;
      }
      seen.add(key);
      if (corruption(row, this.#chat)) corrupted.push(key);
      else if (row[1] === INITIAL) verified++;
    }
    const missing: string[] = [];
    for (let i = 0; i < due; i++) {
      const key = formatKey(this.#writer, known[i] as number);
      if (!seen.has(key)) missing.push(key);
    }
    const anomaly: Anomaly = {
      ...(missing.length > 0 ? { missing: missing.slice(0, MAX_WITNESSES), missingCount: missing.length } : {}),
      ...(duplicated.length > 0 ? { duplicated: duplicated.slice(0, MAX_WITNESSES) } : {}),
      ...(corrupted.length > 0 ? { corrupted: corrupted.slice(0, MAX_WITNESSES) } : {}),
    };
    return { rows: rows.length, verified, ...(Object.keys(anomaly).length > 0 ? { anomaly } : {}) };
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

export const chat = defineWorkload<ChatParams>({
  name: 'chat',
  summary: 'Chat rooms with members and messages; room reads, full scans and new messages.',
  params,
  table: 'messages',

  messages: (chat) => chat.rooms * chat['messages-per-room'],

  kinds: (chat): OperationKind[] => [
    pacedKind({ name: 'read', access: 'read', scope: 'room' }, chat.read),
    pacedKind({ name: 'scan', access: 'read', scope: 'all' }, chat.scan),
    pacedKind({ name: 'write', access: 'write', scope: 'room' }, chat.write),
  ],

  dataset: (chat) => ({
    rooms: range(chat.rooms),
    tables: [
      {
        name: 'rooms',
        columns: [
          { name: 'room_id', type: 'int' },
          { name: 'name', type: 'text' },
        ],
        primaryKey: ['room_id'],
        rows: range(chat.rooms).map((room) => [room, `room ${room}`]),
      },
      {
        name: 'room_members',
        columns: [
          { name: 'room_id', type: 'int' },
          { name: 'member_id', type: 'int' },
        ],
        primaryKey: ['room_id', 'member_id'],
        rows: range(chat.rooms * chat['members-per-room']).map((member) => [
          Math.ceil(member / chat['members-per-room']),
          member,
        ]),
      },
      {
        name: 'messages',
        columns: [
          { name: 'room_id', type: 'int' },
          { name: 'writer', type: 'int' },
          { name: 'seq', type: 'int' },
          { name: 'member_id', type: 'int' },
          { name: 'body', type: 'text' },
        ],
        primaryKey: ['room_id', 'writer', 'seq'],
        rows: range(chat.rooms * chat['messages-per-room']).map((seq) => {
          const { room, member, body } = messageOf(INITIAL, seq, chat);
          return [room, INITIAL, seq, member, body];
        }),
      },
      probesTable(range(chat.rooms)),
    ],
  }),

  start: (chat, seed, writer) => new ChatRun(chat, seed, writer),

  async nextWriter(session, timeoutMs) {
    const [row] = await session.query('SELECT coalesce(max(writer), 0) + 1 FROM messages', [], { timeoutMs });
    return Number(row?.[0]);
  },

  fingerprintSql: (relation) =>
    `SELECT count(*)::text, coalesce(sum(hashtextextended(concat_ws(':', ${COLUMNS}), 0)::numeric), 0)::text FROM ${relation}`,

  async readAll(session: Session, relation: string, chat: ChatParams, timeoutMs: number): Promise<ReadSummary> {
    const rows = (await session.query(`SELECT ${COLUMNS} FROM ${relation}`, [], {
      timeoutMs,
    })) as unknown as MessageRow[];
    const present = new KeySet();
    const duplicated: string[] = [];
    const corrupted: CorruptRow[] = [];
    for (const row of rows) {
      const [, writer, seq] = row;
      if (present.has(writer, seq)) {
        if (duplicated.length < MAX_ODD_ROWS) duplicated.push(formatKey(writer, seq));
        continue;
      }
      present.add(writer, seq);
      const odd = corruption(row, chat);
      if (odd && corrupted.length < MAX_ODD_ROWS) corrupted.push(odd);
    }
    return { rows: rows.length, present: present.toRanges(), duplicated, corrupted };
  },
});

/**
 * The chat of the mission: rooms, their members and their messages, distributed by room.
 *
 * Every message's key is (writer, sequence), and its room, its author and its body follow from the
 * key. So a reader verifies content and not just a count, and needs no copy of the data to do it.
 * Writer 0 is the initial data set; every run on the same tables is a writer of its own, from 1.
 */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { z } from 'zod';
import type { CorruptRow, ReadSummary } from '../model/event.ts';
import type { Anomaly, OperationKind } from '../model/history.ts';
import { formatKey, type Key, KeySet, parseKey } from '../model/key-ranges.ts';
import type { QueryOptions, Session } from '../sql/session.ts';
import { pace, pacedKind } from './pace.ts';
import type { Observed, OperationRequest, Workload, WorkloadRun } from './workload.ts';

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

function roomOf(writer: number, seq: number, chat: ChatParams): number {
  return writer === INITIAL ? Math.ceil(seq / chat['messages-per-room']) : Math.floor(spread(seq) * chat.rooms) + 1;
}

/** The room's members take turns, whether they write or read. */
function memberOf(room: number, turn: number, chat: ChatParams): number {
  return (room - 1) * chat['members-per-room'] + (turn % chat['members-per-room']) + 1;
}

/** What the key demands of its row. */
function messageOf(writer: number, seq: number, chat: ChatParams): Message {
  const room = roomOf(writer, seq, chat);
  const member = memberOf(room, seq, chat);
  return { room, member, body: `message ${seq} of writer ${writer} in room ${room}: ${digest(writer, seq)}` };
}

/** Looks like chance and is the same for the same key; every read message is held against it, so it must be cheap. */
function digest(writer: number, seq: number): string {
  const low = mix(Math.imul(writer, 0x9e37_79b1) ^ seq);
  const high = mix(low ^ Math.imul(seq, 0x85eb_ca6b));
  // Decimal ones the runtime would keep, in case the same number is wanted again.
  return `${low.toString(36)}-${high.toString(36)}`;
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
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
const READ = `SELECT ${COLUMNS} FROM messages WHERE room_id = $1`;
const SCAN = `SELECT ${COLUMNS} FROM messages`;
const WRITE = `INSERT INTO messages (${COLUMNS}) VALUES ($1, $2, $3, $4, $5)`;

const SEQUENCES = 2 ** 31;
const MAX_WRITER = 2 ** 20;

/**
 * A key in sets. Those of the initial data and of a first run are small whole numbers, which take little room and no
 * new object for each row; what no run writes is a text.
 */
type Code = number | string;

function codeOf(writer: number, seq: number): Code {
  if (seq <= 0 || seq >= SEQUENCES || writer < INITIAL || writer > MAX_WRITER) return formatKey(writer, seq);
  if (writer === INITIAL) return -seq;
  return writer === FIRST ? seq : writer * SEQUENCES + seq;
}

function keyFrom(code: Code): Key {
  if (typeof code === 'string') return parseKey(code);
  if (code < 0) return { writer: INITIAL, seq: -code };
  if (code < SEQUENCES) return { writer: FIRST, seq: code };
  return { writer: Math.floor(code / SEQUENCES), seq: code % SEQUENCES };
}

/** Takes the rows of one answer, one by one, and keeps their keys and what is odd about them. */
class Tally {
  readonly #chat: ChatParams;
  readonly #maxOdd: number;
  readonly seen = new Set<Code>();
  readonly duplicated: string[] = [];
  readonly corrupted: CorruptRow[] = [];
  rows = 0;
  verified = 0;
  again = 0;

  constructor(chat: ChatParams, maxOdd: number) {
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

/** Those who scan: a session that writes nothing and reads all rooms. Members of rooms are sessions from 1. */
const SCANNER = 0;

/**
 * What a session's reads have returned so far. Almost always that is all that was acknowledged when the last of them
 * was sent, so it is kept as that, and what differs.
 */
interface Seen {
  /** All initial messages of what it reads. */
  readonly initial: boolean;
  /** So many of the acknowledged writes, from the first on. */
  readonly acknowledged: number;
  /** What these two do not say. */
  readonly others: readonly Code[];
}

const NOTHING: Seen = { initial: false, acknowledged: 0, others: [] };
const NONE: readonly never[] = [];

/** Of a read, whose answer says it all. */
function nothing(): void {}

/** What a read is owed, as it was known when it was sent. */
interface Due {
  readonly session: number;
  /** Sequence numbers of acknowledged writes; grows while the read is under way ... */
  readonly acknowledged: readonly number[];
  /** ... and this many of them were acknowledged before it was sent. */
  readonly count: number;
  /** The initial messages of what it reads. */
  readonly initial: { readonly first: number; readonly last: number };
  readonly before: Seen;
}

/** What was sent, acknowledged and seen; decides what each read has to find. */
class ChatRun implements WorkloadRun {
  readonly #chat: ChatParams;
  readonly #writer: number;
  readonly #random: () => number;
  /** Sequence numbers of acknowledged writes, by room, in the order of their acknowledgement. */
  readonly #acknowledged = new Map<number, number[]>();
  readonly #acknowledgedInOrder: number[] = [];
  /** By session. */
  readonly #seen = new Map<number, Seen>();
  /** Sequence numbers of writes that ended unknown and that no read has returned yet. */
  readonly #unknown = new Set<number>();
  readonly #readsOfRoom = new Map<number, number>();
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

  /** The room's members take turns to read it. */
  #read(): OperationRequest {
    const room = this.#nextRoom();
    const turn = this.#readsOfRoom.get(room) ?? 0;
    this.#readsOfRoom.set(room, turn + 1);
    const session = memberOf(room, turn, this.#chat);
    return {
      room,
      session,
      run: (connection, timeoutMs) => {
        const due = this.#dueTo(session, this.#acknowledged.get(room) ?? NONE, room);
        return this.#held(connection, READ, [room], { name: 'chat-read', timeoutMs }, due);
      },
      settled: nothing,
    };
  }

  #scan(): OperationRequest {
    return {
      session: SCANNER,
      run: (connection, timeoutMs) => {
        const due = this.#dueTo(SCANNER, this.#acknowledgedInOrder);
        return this.#held(connection, SCAN, NONE, { name: 'chat-scan', timeoutMs }, due);
      },
      settled: nothing,
    };
  }

  /** Reads, and holds the rows against what is due. */
  #held(
    connection: Session,
    text: string,
    values: readonly unknown[],
    options: QueryOptions,
    due: Due,
  ): Promise<Observed> {
    const tally = new Tally(this.#chat, MAX_WITNESSES);
    return connection
      .forEachRow(text, values, (row) => tally.add(row as unknown as MessageRow), options)
      .then(() => this.#verify(tally, due));
  }

  #write(): OperationRequest {
    const seq = this.#nextSeq++;
    const writer = this.#writer;
    const { room, member, body } = messageOf(writer, seq, this.#chat);
    return {
      room,
      session: member,
      key: formatKey(writer, seq),
      run: async (session, timeoutMs) => {
        await session.query(WRITE, [room, writer, seq, member, body], { name: 'chat-write', timeoutMs });
        return {};
      },
      settled: (outcome) => {
        if (outcome === 'unknown') this.#unknown.add(seq);
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

  /** To be asked when a read is sent. */
  #dueTo(session: number, acknowledged: readonly number[], room?: number): Due {
    const { rooms, 'messages-per-room': perRoom } = this.#chat;
    const initial = { first: ((room ?? 1) - 1) * perRoom + 1, last: (room ?? rooms) * perRoom };
    return { session, acknowledged, count: acknowledged.length, initial, before: this.#seen.get(session) ?? NOTHING };
  }

  #verify({ seen, rows, verified, duplicated, again, corrupted }: Tally, due: Due): Observed {
    const missing = new Finds();
    const ownMissing = new Finds();
    const forgotten = new Finds();
    for (let i = 0; i < due.count; i++) {
      const seq = due.acknowledged[i] as number;
      const code = codeOf(this.#writer, seq);
      if (seen.has(code)) continue;
      missing.add(code);
      if (i < due.before.acknowledged) forgotten.add(code);
      if (memberOf(roomOf(this.#writer, seq, this.#chat), seq, this.#chat) === due.session) ownMissing.add(code);
    }
    for (let seq = due.initial.first; seq <= due.initial.last; seq++) {
      const code = codeOf(INITIAL, seq);
      if (seen.has(code)) continue;
      missing.add(code);
      if (due.before.initial) forgotten.add(code);
    }
    for (const code of due.before.others) if (!seen.has(code)) forgotten.add(code);
    this.#remember(due, seen, missing.count === 0);
    const resolved = this.#unknown.size === 0 ? NONE : this.#resolve(seen);
    const odd = missing.count + forgotten.count + duplicated.length + corrupted.length + resolved.length > 0;
    if (!odd) return { rows, verified };
    const anomaly: Anomaly = {
      ...(missing.count > 0 ? { missing: missing.keys, missingCount: missing.count } : {}),
      ...(ownMissing.count > 0 ? { ownMissing: ownMissing.keys, ownMissingCount: ownMissing.count } : {}),
      ...(forgotten.count > 0 ? { forgotten: forgotten.keys, forgottenCount: forgotten.count } : {}),
      ...(duplicated.length > 0 ? { duplicated } : {}),
      ...(again > duplicated.length ? { duplicatedCount: again } : {}),
      ...(corrupted.length > 0 ? { corrupted: corrupted.map(({ key }) => key) } : {}),
      ...(resolved.length > 0 ? { resolved } : {}),
    };
    return { rows, verified, anomaly };
  }

  /** @param complete it returned all that it owed. */
  #remember({ session, acknowledged, count, initial }: Due, seen: ReadonlySet<Code>, complete: boolean): void {
    // Another read of the session may have ended since this one was sent.
    const before = this.#seen.get(session) ?? NOTHING;
    const all = {
      initial: complete || before.initial,
      acknowledged: complete ? Math.max(count, before.acknowledged) : before.acknowledged,
    };
    const owed = initial.last - initial.first + 1 + count;
    if (complete && all.acknowledged === count && seen.size === owed && before.others.length === 0) {
      // Most reads return what the one before did; a new object for each would keep the memory's sweeper busy.
      if (before.initial && before.acknowledged === count) return;
      this.#seen.set(session, { ...all, others: before.others });
      return;
    }
    const others = new Set([...before.others, ...seen]);
    if (all.initial) for (let seq = initial.first; seq <= initial.last; seq++) others.delete(codeOf(INITIAL, seq));
    for (let i = 0; i < all.acknowledged; i++) others.delete(codeOf(this.#writer, acknowledged[i] as number));
    this.#seen.set(session, { ...all, others: [...others] });
  }

  /** Writes that had ended unknown and that an answer shows. */
  #resolve(seen: ReadonlySet<Code>): string[] {
    const found: string[] = [];
    for (const seq of this.#unknown) {
      if (!seen.has(codeOf(this.#writer, seq))) continue;
      this.#unknown.delete(seq);
      found.push(formatKey(this.#writer, seq));
    }
    return found;
  }
}

/** How many keys were found, and the first few of them. */
class Finds {
  readonly keys: string[] = [];
  count = 0;

  add(code: Code): void {
    this.count++;
    if (this.keys.length >= MAX_WITNESSES) return;
    const { writer, seq } = keyFrom(code);
    this.keys.push(formatKey(writer, seq));
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

export const chat = {
  name: 'chat',
  summary: 'Chat rooms with members and messages; room reads, full scans and new messages.',
  source: import.meta.url,
  params,

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
    ],
  }),

  start: (chat, seed, writer?: number) => new ChatRun(chat, seed, writer),

  ledger: {
    table: 'messages',
    lookup: { columns: COLUMNS, key: 'writer, seq' },
    readsAreHeldAgainstWrites: true,
    rooms: (chat) => chat.rooms,
    initialRows: (chat) => chat.rooms * chat['messages-per-room'],

    async nextWriter(session, timeoutMs) {
      const [row] = await session.query('SELECT coalesce(max(writer), 0) + 1 FROM messages', [], { timeoutMs });
      return Number(row?.[0]);
    },

    fingerprintSql: (relation) =>
      `SELECT count(*)::text, coalesce(sum(hashtextextended(concat_ws(':', ${COLUMNS}), 0)::numeric), 0)::text FROM ${relation}`,

    async readAll(session: Session, relation: string, chat: ChatParams, timeoutMs: number): Promise<ReadSummary> {
      const tally = new Tally(chat, MAX_ODD_ROWS);
      await session.forEachRow(
        `SELECT ${COLUMNS} FROM ${relation}`,
        [],
        (row) => tally.add(row as unknown as MessageRow),
        { timeoutMs },
      );
      const { rows, seen, duplicated, corrupted } = tally;
      const present = new KeySet();
      for (const code of seen) {
        const { writer, seq } = keyFrom(code);
        present.add(writer, seq);
      }
      return { rows, present: present.toRanges(), duplicated, corrupted };
    },
  },
} satisfies Workload<ChatParams>;

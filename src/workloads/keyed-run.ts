/** The state of a run of keyed rows: what it sent, had acknowledged and read, and so what each read has to find. */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Anomaly } from '../model/history.ts';
import { formatKey } from '../model/key-ranges.ts';
import type { QueryOptions, Session } from '../sql/session.ts';
import {
  type Code,
  codeOf,
  FIRST,
  INITIAL,
  type KeyedTable,
  keyFrom,
  type MessageRow,
  memberOf,
  messageOf,
  roomOf,
  type Spread,
  Tally,
} from './keyed-rows.ts';
import { MAX_WITNESSES, range } from './rows.ts';
import type { Observed, OperationRequest, WorkloadRun } from './workload.ts';

/** The session of scans, which writes nothing and reads all rooms. Members of rooms are sessions from 1. */
const SCANNER = 0;

/**
 * What a session's reads have returned so far. That is almost always everything acknowledged before the last of them was
 * sent, so only differences are stored.
 */
interface Seen {
  /** Whether it has read all initial messages of its rooms. */
  readonly initial: boolean;
  /** How many of the acknowledged writes it has read, from the first on. */
  readonly acknowledged: number;
  /** Keys that the other two fields do not cover. */
  readonly others: readonly Code[];
}

const NOTHING: Seen = { initial: false, acknowledged: 0, others: [] };
const NONE: readonly never[] = [];

/** `settled` of a read, which needs nothing beyond its answer. */
function nothing(): void {}

/** What a read must return, as known when it was sent. */
interface Due {
  readonly session: number;
  /** Sequence numbers of acknowledged writes. The list grows during the read, ... */
  readonly acknowledged: readonly number[];
  /** ... of which this many were acknowledged before the read was sent. */
  readonly count: number;
  /** The initial messages of the rooms that it reads. */
  readonly initial: { readonly first: number; readonly last: number };
  readonly before: Seen;
}

/** Keeps what was sent, acknowledged and read, and verifies reads. */
export class KeyedRun implements WorkloadRun {
  readonly #sql: KeyedTable;
  readonly #chat: Spread;
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

  /** @param writer must differ from that of every other run on the same table. */
  constructor(table: KeyedTable, chat: Spread, seed: number, writer = FIRST) {
    this.#sql = table;
    this.#chat = chat;
    this.#writer = writer;
    const generator = xoroshiro128plus(seed);
    this.#random = () => uniformInt(generator, 0, 0x3fffffff);
  }

  next(kind: string): OperationRequest {
    if (kind === 'read') return this.#read();
    if (kind === 'scan') return this.#scan();
    if (kind === 'write') return this.#write();
    throw new Error(`there is no operation "${kind}"`);
  }

  /** The room's members take turns reading it. */
  #read(): OperationRequest {
    const room = this.#nextRoom();
    const turn = this.#readsOfRoom.get(room) ?? 0;
    this.#readsOfRoom.set(room, turn + 1);
    const session = memberOf(room, turn, this.#chat);
    return {
      partitionKey: room,
      session,
      run: (connection, timeoutMs) => {
        const due = this.#dueTo(session, this.#acknowledged.get(room) ?? NONE, room);
        return this.#held(connection, this.#sql.read, [room], { name: 'keyed-read', timeoutMs }, due);
      },
      settled: nothing,
    };
  }

  #scan(): OperationRequest {
    return {
      session: SCANNER,
      run: (connection, timeoutMs) => {
        const due = this.#dueTo(SCANNER, this.#acknowledgedInOrder);
        return this.#held(connection, this.#sql.scan, NONE, { name: 'keyed-scan', timeoutMs }, due);
      },
      settled: nothing,
    };
  }

  /** Reads, and compares the rows with what is due. */
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
      partitionKey: room,
      session: member,
      key: formatKey(writer, seq),
      run: async (session, timeoutMs) => {
        await session.query(this.#sql.write, [room, writer, seq, member, body], { name: 'keyed-write', timeoutMs });
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

  /** Every room once per round, so that each is read as often as the rate allows. */
  #nextRoom(): number {
    if (this.#round.length === 0) {
      this.#round = range(this.#chat.rooms);
      for (let i = this.#round.length - 1; i > 0; i--) {
        const j = this.#random() % (i + 1);
        const swapped = this.#round[i] as number;
        this.#round[i] = this.#round[j] as number;
        this.#round[j] = swapped;
      }
    }
    return this.#round.pop() as number;
  }

  /** Call this when a read is sent. */
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

  /** @param complete whether the read returned everything due. */
  #remember({ session, acknowledged, count, initial }: Due, seen: ReadonlySet<Code>, complete: boolean): void {
    // Another read of the session may have ended since this one was sent.
    const before = this.#seen.get(session) ?? NOTHING;
    const all = {
      initial: complete || before.initial,
      acknowledged: complete ? Math.max(count, before.acknowledged) : before.acknowledged,
    };
    const owed = initial.last - initial.first + 1 + count;
    if (complete && all.acknowledged === count && seen.size === owed && before.others.length === 0) {
      // Most reads return the same as the one before; reusing the object saves garbage collection.
      if (before.initial && before.acknowledged === count) return;
      this.#seen.set(session, { ...all, others: before.others });
      return;
    }
    const others = new Set([...before.others, ...seen]);
    if (all.initial) for (let seq = initial.first; seq <= initial.last; seq++) others.delete(codeOf(INITIAL, seq));
    for (let i = 0; i < all.acknowledged; i++) others.delete(codeOf(this.#writer, acknowledged[i] as number));
    this.#seen.set(session, { ...all, others: [...others] });
  }

  /** Finds writes that ended unknown and that an answer contains. */
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

/** The number of keys found, and the first ones. */
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

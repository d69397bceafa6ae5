/**
 * The ledger of writes: what was acknowledged, and what the final reads found of it. Holds keys as bits,
 * so that millions of writes fit.
 */

import { eventsOf, type History, type Operation } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import type { LedgerFigures } from '../model/report.ts';
import { formatCount, formatMoment } from '../model/units.ts';
import { messagesPerRoom, placementOf } from './shards.ts';

const MAX_WITNESSES = 8;
/** Who wrote the messages of the initial data set. */
const INITIAL_WRITER = 0;

/** How often something was seen, and the first few distinct cases. */
export class Witnesses {
  count = 0;
  readonly #first = new Set<string>();

  /** @param times how many cases this witness stands for. */
  add(witness: string, times = 1): void {
    this.count += times;
    if (this.#first.size < MAX_WITNESSES) this.#first.add(witness);
  }

  figures(): { readonly count: number; readonly witnesses: readonly string[] } {
    return { count: this.count, witnesses: [...this.#first] };
  }
}

/** The complete reads after healing, put together. */
export interface FinalReads {
  /** Through the coordinator: what a client sees. */
  readonly coordinator: KeySet | undefined;
  /** In at least one of the reads, of the coordinator or of a placement. */
  readonly anywhere: KeySet;
  /** At least one was made. */
  readonly made: boolean;
  /** `coordinator`, or `worker1/A` for a placement, that should have been read and was not. */
  readonly missing: readonly string[];
}

export function finalReadsOf(history: History): FinalReads {
  const coordinatorRead = eventsOf(history, 'final-read')[0]?.read;
  const placementReads = eventsOf(history, 'placement-read');
  const read = new Set(placementReads.map(({ node, shard }) => `${node}/${shard}`));
  const expected = (placementOf(history)?.shards ?? []).flatMap(({ name, placements }) =>
    placements.map((node) => `${node}/${name}`),
  );
  const anywhere = new KeySet();
  if (coordinatorRead) anywhere.addRanges(coordinatorRead.present);
  for (const event of placementReads) anywhere.addRanges(event.read.present);
  return {
    coordinator: coordinatorRead && KeySet.fromRanges(coordinatorRead.present),
    anywhere,
    made: coordinatorRead !== undefined || placementReads.length > 0,
    missing: [...(coordinatorRead ? [] : ['coordinator']), ...expected.filter((source) => !read.has(source))],
  };
}

/** What became of the writes. Without final reads nothing is lost or present: nothing is known. */
export interface WriteAudit {
  readonly finalReads: FinalReads;
  readonly written: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly unknownPresent: number;
  /** Acknowledged and in no final read. */
  readonly lostWrites: number;
  /** The first few of them, whole. */
  readonly lostWitnesses: readonly Operation[];
  /** Messages of the initial data set in no final read. */
  readonly lostInitial: Witnesses;
  /** Acknowledged or initial, on a placement, and not seen through the coordinator. */
  readonly hidden: Witnesses;
}

export function auditWrites(history: History): WriteAudit {
  const finalReads = finalReadsOf(history);
  const { made, anywhere, coordinator } = finalReads;
  const writeKinds = new Set(history.run.kinds.filter((kind) => kind.access === 'write').map((kind) => kind.name));
  const counts = { written: 0, acknowledged: 0, unknown: 0, unknownPresent: 0, lostWrites: 0 };
  const lostWitnesses: Operation[] = [];
  const lostInitial = new Witnesses();
  const hidden = new Witnesses();

  for (let seq = 1; made && seq <= history.run.messages; seq++) {
    if (!anywhere.has(INITIAL_WRITER, seq)) lostInitial.add(formatKey(INITIAL_WRITER, seq));
    else if (coordinator && !coordinator.has(INITIAL_WRITER, seq)) hidden.add(formatKey(INITIAL_WRITER, seq));
  }
  for (const operation of history.operations.scan()) {
    const { writer, seq, outcome } = operation;
    if (writer === undefined || seq === undefined || outcome === 'unsent' || !writeKinds.has(operation.kind)) continue;
    counts.written++;
    if (outcome === 'fail') continue;
    const present = anywhere.has(writer, seq);
    if (outcome === 'unknown') {
      counts.unknown++;
      if (present) counts.unknownPresent++;
      continue;
    }
    counts.acknowledged++;
    if (!made) continue;
    if (!present) {
      counts.lostWrites++;
      if (lostWitnesses.length < MAX_WITNESSES) lostWitnesses.push(operation.copy());
    } else if (coordinator && !coordinator.has(writer, seq)) hidden.add(formatKey(writer, seq));
  }
  return { finalReads, ...counts, lostWitnesses, lostInitial, hidden };
}

/** Rows that a read returned and should not have, or left out. */
export interface ReadAudit {
  /** Reads that ended `ok`, and reads of the end; without any, nothing below was looked at. */
  readonly answered: number;
  /** Reads of the load that left out a message that was there before they were sent. */
  readonly stale: number;
  /** The first few of them, whole. */
  readonly staleWitnesses: readonly Operation[];
  /** The first few keys that stale reads left out. */
  readonly staleKeys: readonly string[];
  /** Keys in a read twice: one case for each read and key, as far as the reads name them. */
  readonly duplicated: Witnesses;
  readonly corrupted: Witnesses;
  /** One line for each of the first few cases: key, and where it was seen. */
  readonly duplicatedWhere: Witnesses;
  readonly corruptedWhere: Witnesses;
}

export function auditReads(history: History): ReadAudit {
  const placement = placementOf(history);
  const perRoom = placement ? messagesPerRoom(history, placement) : undefined;
  const reads = new Map(
    history.run.kinds
      .filter((kind) => kind.access === 'read')
      .map((kind) => [kind.name, kind.scope === 'all' ? history.run.messages : perRoom]),
  );
  let answered = 0;
  let stale = 0;
  const staleWitnesses: Operation[] = [];
  const staleKeys = new Witnesses();
  const duplicated = new Witnesses();
  const corrupted = new Witnesses();
  const duplicatedWhere = new Witnesses();
  const corruptedWhere = new Witnesses();

  for (const operation of history.operations.scan()) {
    if (operation.outcome !== 'ok' || !reads.has(operation.kind)) continue;
    answered++;
    const { anomaly } = operation;
    if (anomaly?.missing || leftOutInitial(operation, reads.get(operation.kind))) {
      stale++;
      if (staleWitnesses.length < MAX_WITNESSES) staleWitnesses.push(operation.copy());
      for (const key of anomaly?.missing ?? []) staleKeys.add(key);
    }
    if (!anomaly) continue;
    const { duplicated: again = [], duplicatedCount = again.length } = anomaly;
    for (const [i, key] of again.entries()) duplicated.add(key, i === 0 ? 1 + duplicatedCount - again.length : 1);
    if (duplicatedCount > again.length) {
      const rows = `${formatCount(operation.rows ?? 0, 'row')}, ${formatCount(duplicatedCount, 'of them', 'of them')} again`;
      duplicatedWhere.add(`${rows}, in ${describeRead(operation)}, such as ${again.slice(0, 3).join(', ')}`);
    } else for (const key of again) duplicatedWhere.add(`${key}: twice in ${describeRead(operation)}`);
    for (const key of anomaly.corrupted ?? []) {
      corrupted.add(key);
      corruptedWhere.add(`${key}: wrong content in ${describeRead(operation)}`);
    }
  }
  const finals = [
    ...eventsOf(history, 'final-read').map(({ read }) => ({ read, source: 'the coordinator' })),
    ...eventsOf(history, 'placement-read').map(({ read, node, shard }) => ({
      read,
      source: `${node}, shard ${shard}`,
    })),
  ];
  for (const { read, source } of finals) {
    answered++;
    for (const key of read.duplicated) {
      duplicated.add(key);
      duplicatedWhere.add(`${key}: twice in the final read of ${source}`);
    }
    for (const { key, found, expected } of read.corrupted) {
      corrupted.add(key);
      corruptedWhere.add(`${key}: in the final read of ${source}: found ${found}; expected ${expected}`);
    }
  }
  return {
    answered,
    stale,
    staleWitnesses,
    staleKeys: staleKeys.figures().witnesses,
    duplicated,
    corrupted,
    duplicatedWhere,
    corruptedWhere,
  };
}

/** Corrupted rows are there, if wrong; they are told apart. */
function leftOutInitial({ verified, anomaly }: Operation, expected: number | undefined): boolean {
  return verified !== undefined && expected !== undefined && verified < expected && !anomaly?.corrupted;
}

/** `read of room 7, sent at 4.213 s`. */
export function describeRead({ kind, room, sentAt }: Operation): string {
  return `${kind}${room === undefined ? '' : ` of room ${room}`}, sent at ${formatMoment(sentAt)}`;
}

export function ledgerFigures(history: History): LedgerFigures {
  const writes = auditWrites(history);
  const reads = auditReads(history);
  return {
    written: writes.written,
    acknowledged: writes.acknowledged,
    unknown: writes.unknown,
    unknownPresent: writes.unknownPresent,
    lost: {
      count: writes.lostWrites + writes.lostInitial.count,
      witnesses: [
        ...writes.lostWitnesses.map((operation) => operation.key as string),
        ...writes.lostInitial.figures().witnesses,
      ].slice(0, MAX_WITNESSES),
    },
    staleReads: { count: reads.stale, witnesses: reads.staleKeys },
    duplicated: reads.duplicated.figures(),
    corrupted: reads.corrupted.figures(),
    finalReads: writes.finalReads.made,
  };
}

/** What reads wrongly returned or left out. */

import { eventsOf, type History, type Operation, type RunInfo } from '../model/history.ts';
import { ABSENT, OK } from '../model/operations.ts';
import { keyWordOf, partitionNamed } from '../model/partition-words.ts';
import { formatCount, formatMoment } from '../model/units.ts';
import { clientsNode } from './clients.ts';
import { placeOf } from './final-reads.ts';
import { oncePer } from './once.ts';
import { messagesPerKey, placementOf, wordOf } from './partitions.ts';
import { MAX_WITNESSES, Witnesses } from './witnesses.ts';

export interface ReadAudit {
  /** Reads of the load that ended `ok`, and final reads; if 0, nothing below was looked at. */
  readonly answered: number;
  /** Reads of the load that left out a message that existed before they were sent. */
  readonly stale: number;
  /** The first few of them. */
  readonly staleWitnesses: readonly Operation[];
  /** The first few keys that stale reads left out. */
  readonly staleKeys: Witnesses;
  /** The longest time from an acknowledgement until a read that missed it was sent; `null` without one. */
  readonly staleForMs: number | null;
  /** Keys returned twice: one case for each read and key, as far as reads name them. */
  readonly duplicated: Witnesses;
  readonly corrupted: Witnesses;
  /** One line for each of the first few cases: the key, and where. */
  readonly duplicatedWhere: readonly string[];
  readonly corruptedWhere: readonly string[];
  /** Answered reads of the load that belong to a session. */
  readonly ofSessions: number;
  /** Keys that a session had written, missing in its reads. */
  readonly ownMissing: Witnesses;
  /** Keys that a session had read, missing in its later reads. */
  readonly forgotten: Witnesses;
  /** The first few reads that broke a guarantee. */
  readonly ownMissingWitnesses: readonly Operation[];
  readonly forgottenWitnesses: readonly Operation[];
}

/** In at most two passes over the operations. */
export const auditReads = oncePer(auditAll);

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one pass over millions of reads serves three audits.
function auditAll(history: History): ReadAudit {
  const placement = placementOf(history);
  const perKey = placement ? messagesPerKey(history, placement) : undefined;
  const reads = new Map(
    history.run.kinds
      .filter((kind) => kind.access === 'read')
      .map((kind) => [kind.name, kind.scope === 'all' ? history.run.messages : perKey]),
  );
  let answered = 0;
  let ofSessions = 0;
  let stale = 0;
  const staleWitnesses: Operation[] = [];
  const staleKeys = new Witnesses();
  /** For each key, when the last read that left it out was sent. */
  const missedAt = new Map<string, number>();
  const duplicated = new Witnesses();
  const corrupted = new Witnesses();
  const duplicatedWhere = new Lines();
  const corruptedWhere = new Lines();
  const ownMissing = new Witnesses();
  const forgotten = new Witnesses();
  const ownMissingWitnesses: Operation[] = [];
  const forgottenWitnesses: Operation[] = [];

  const { data } = history.operations;
  const { columns } = data;
  const isRead = data.kinds.map((name) => reads.has(name));
  /** For each kind, the initial rows that a read must return; 0 if not known. */
  const expected = data.kinds.map((name) => reads.get(name) ?? 0);
  for (const operation of history.operations.scan()) {
    const row = operation.index;
    const kind = columns.kind[row] as number;
    if (columns.outcome[row] !== OK || !isRead[kind]) continue;
    answered++;
    if (columns.session[row] !== ABSENT) ofSessions++;
    const { anomaly } = operation;
    const verified = columns.verified[row] as number;
    // Corrupted rows are not missing; they are counted separately.
    const leftOut = verified !== ABSENT && verified < (expected[kind] as number) && !anomaly?.corrupted;
    if (anomaly?.missing || leftOut) {
      stale++;
      if (staleWitnesses.length < MAX_WITNESSES) staleWitnesses.push(operation.copy());
      for (const key of anomaly?.missing ?? []) {
        staleKeys.add(key);
        missedAt.set(key, Math.max(missedAt.get(key) ?? 0, operation.sentAt));
      }
    }
    if (!anomaly) continue;
    const { duplicated: again = [], duplicatedCount = again.length } = anomaly;
    addAll(duplicated, again, duplicatedCount);
    if (duplicatedCount > again.length) {
      const rows = `${formatCount(operation.rows ?? 0, 'row')}, ${formatCount(duplicatedCount, 'of them', 'of them')} again`;
      duplicatedWhere.add(
        `${rows}, in ${describeRead(history.run, operation)}, such as ${again.slice(0, 3).join(', ')}`,
      );
    } else for (const key of again) duplicatedWhere.add(`${key}: twice in ${describeRead(history.run, operation)}`);
    for (const key of anomaly.corrupted ?? []) {
      corrupted.add(key);
      corruptedWhere.add(`${key}: wrong content in ${describeRead(history.run, operation)}`);
    }
    addAll(ownMissing, anomaly.ownMissing, anomaly.ownMissingCount);
    addAll(forgotten, anomaly.forgotten, anomaly.forgottenCount);
    if (anomaly.ownMissing && ownMissingWitnesses.length < MAX_WITNESSES) ownMissingWitnesses.push(operation.copy());
    if (anomaly.forgotten && forgottenWitnesses.length < MAX_WITNESSES) forgottenWitnesses.push(operation.copy());
  }
  const word = wordOf(history);
  const clients = clientsNode(history) ?? 'the cluster';
  const finals = [
    ...eventsOf(history, 'final-read').map(({ read }) => ({ read, source: clients, place: undefined })),
    ...eventsOf(history, 'read-in-doubt').map((event) => ({
      read: event.read,
      source: event.partition === undefined ? clients : `${event.node}, ${partitionNamed(word, event.partition)}`,
      place: placeOf(event),
    })),
    ...eventsOf(history, 'placement-read').map((event) => ({
      read: event.read,
      source: `${event.node}, ${partitionNamed(word, event.partition)}`,
      place: placeOf(event),
    })),
  ];
  for (const { read, source, place } of finals) {
    answered++;
    for (const key of read.duplicated) {
      duplicated.add(key, 1, [place]);
      duplicatedWhere.add(`${key}: twice in the final read of ${source}`);
    }
    for (const { key, found, expected } of read.corrupted) {
      corrupted.add(key, 1, [place]);
      corruptedWhere.add(`${key}: in the final read of ${source}: found ${found}; expected ${expected}`);
    }
  }
  return {
    answered,
    stale,
    staleWitnesses,
    staleKeys,
    staleForMs: missedFor(history, missedAt),
    duplicated,
    corrupted,
    duplicatedWhere: duplicatedWhere.first,
    corruptedWhere: corruptedWhere.first,
    ofSessions,
    ownMissing,
    forgotten,
    ownMissingWitnesses,
    forgottenWitnesses,
  };
}

/** The first few distinct lines. */
class Lines {
  readonly first: string[] = [];

  add(line: string): void {
    if (this.first.length < MAX_WITNESSES && !this.first.includes(line)) this.first.push(line);
  }
}

/** @param count of all keys, if more than `keys`. */
function addAll(witnesses: Witnesses, keys: readonly string[] = [], count = keys.length): void {
  for (const [i, key] of keys.entries()) witnesses.add(key, i === 0 ? 1 + count - keys.length : 1);
}

function missedFor(history: History, missedAt: ReadonlyMap<string, number>): number | null {
  if (missedAt.size === 0) return null;
  let longestMs: number | null = null;
  for (const operation of history.operations.scan()) {
    if (operation.writer === undefined || operation.outcome !== 'ok') continue;
    const sentAt = missedAt.get(operation.key as string);
    if (sentAt !== undefined) longestMs = Math.max(longestMs ?? 0, sentAt - operation.settledAt);
  }
  return longestMs;
}

/** `read of partition key 7, sent at 4.213 s`. */
export function describeRead(run: Pick<RunInfo, 'keyWord'>, { kind, partitionKey, sentAt }: Operation): string {
  return `${kind}${partitionKey === undefined ? '' : ` of ${keyWordOf(run)} ${partitionKey}`}, sent at ${formatMoment(sentAt)}`;
}

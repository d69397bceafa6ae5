/**
 * Compares the writes sent and acknowledged with the final reads. Stores keys as bits, so that millions of writes fit.
 */

import type { LostByNodeFigures } from '../model/figures.ts';
import { eventsOf, type History, type Operation } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import { ABSENT, OK, OUTCOMES, UNSENT } from '../model/operations.ts';
import { type FinalReads, finalReadsOf } from './final-reads.ts';
import { stillPrepared } from './late-writes.ts';
import { LostByNode } from './lost-by-node.ts';
import { missingOperations } from './missing-operations.ts';
import { oncePer } from './once.ts';
import { placementOf } from './partitions.ts';
import { MAX_WITNESSES, Witnesses } from './witnesses.ts';

/** The writer of the initial messages. */
const INITIAL_WRITER = 0;
const FAIL = OUTCOMES.indexOf('fail');

/** Without final reads nothing counts as lost, present or unexpected. */
export interface WriteAudit {
  readonly finalReads: FinalReads;
  readonly written: number;
  readonly acknowledged: number;
  /** Writes that ended `unknown`. */
  readonly unknown: number;
  /** Of the unknown ones, committed: in a final read. */
  readonly unknownPresent: number;
  /** Of the unknown ones, in no final read although everything was read: not committed, or lost again. */
  readonly unknownAbsent: number;
  /** Of the absent ones, those that a read of the load had returned: committed, then lost. */
  readonly receded: Witnesses;
  /** Acknowledged, and in no final read. */
  readonly lostWrites: number;
  /** Of the lost ones, those that a transaction that is still prepared may hold. */
  readonly lostInDoubt: number;
  /** The lost ones by the node that had acknowledged them. */
  readonly lostBy: readonly LostByNodeFigures[];
  /** The first few lost ones. */
  readonly lostWitnesses: readonly Operation[];
  /** Initial messages in no final read. */
  readonly lostInitial: Witnesses;
  /** Acknowledged or initial, on a placement but not visible to clients. */
  readonly hidden: Witnesses;
  /** Certainly failed, yet in a final read. */
  readonly resurrected: Witnesses;
  /**
   * In a final read, but never sent. Rows that earlier runs wrote to the same tables do not count. `undefined` if writes
   * are missing in the history.
   */
  readonly unexpected: Witnesses | undefined;
}

/** In one pass over the operations. */
export const auditWrites = oncePer(auditAll);

function auditAll(history: History): WriteAudit {
  const finalReads = finalReadsOf(history);
  const { made, anywhere, byClients } = finalReads;
  const everythingRead = made && finalReads.missing.length === 0;
  const writeKinds = new Set(history.run.kinds.filter((kind) => kind.access === 'write').map((kind) => kind.name));
  const resolved = resolvedByReads(history);
  const counts = { written: 0, acknowledged: 0, unknown: 0, unknownPresent: 0, unknownAbsent: 0 };
  const lost = { lostWrites: 0, lostInDoubt: 0 };
  const inDoubt = doubtByPartition(history);
  const lostBy = new LostByNode(history);
  const lostWitnesses: Operation[] = [];
  const { lostInitial, hidden } = auditInitial(history, finalReads);
  const resurrected = new Witnesses();
  const receded = new Witnesses();
  const sent = new KeySet();
  let ownWriter: number | undefined;

  const { data } = history.operations;
  const { columns } = data;
  const isWrite = data.kinds.map((name) => writeKinds.has(name));
  for (const operation of history.operations.scan()) {
    const row = operation.index;
    const writer = columns.writer[row] as number;
    const seq = columns.seq[row] as number;
    const outcome = columns.outcome[row];
    if (writer === ABSENT || seq === ABSENT || !isWrite[columns.kind[row] as number]) continue;
    ownWriter ??= writer;
    if (outcome === UNSENT) continue;
    counts.written++;
    sent.add(writer, seq);
    const present = anywhere.has(writer, seq);
    if (outcome === FAIL) {
      if (present) resurrected.add(formatKey(writer, seq));
      continue;
    }
    if (outcome !== OK) {
      counts.unknown++;
      if (present) counts.unknownPresent++;
      else if (everythingRead && !inDoubt(operation.partition)) {
        counts.unknownAbsent++;
        const key = formatKey(writer, seq);
        if (resolved.has(key)) receded.add(key);
      }
      continue;
    }
    counts.acknowledged++;
    if (!made) continue;
    if (!present) {
      lost.lostWrites++;
      lostBy.add(writer, seq, operation.settledAt);
      if (inDoubt(operation.partition)) lost.lostInDoubt++;
      if (lostWitnesses.length < MAX_WITNESSES) lostWitnesses.push(operation.copy());
    } else if (byClients && !byClients.has(writer, seq)) hidden.add(formatKey(writer, seq));
  }
  const firstOwn = eventsOf(history, 'load-kept').find(({ writer }) => writer !== undefined)?.writer ?? ownWriter;
  const sentIsKnown = !missingOperations(history).some(({ of }) => of === 'load');
  return {
    finalReads,
    ...counts,
    ...lost,
    receded,
    lostBy: lostBy.figures(),
    lostWitnesses,
    lostInitial,
    hidden,
    resurrected,
    unexpected: sentIsKnown ? neverSent(anywhere, sent, history.run.messages, firstOwn) : undefined,
  };
}

/** The initial messages that are lost, and those that clients do not see. */
function auditInitial({ run }: History, { made, anywhere, byClients }: FinalReads) {
  const lostInitial = new Witnesses();
  const hidden = new Witnesses();
  for (let seq = 1; made && seq <= run.messages; seq++) {
    if (!anywhere.has(INITIAL_WRITER, seq)) lostInitial.add(formatKey(INITIAL_WRITER, seq));
    else if (byClients && !byClients.has(INITIAL_WRITER, seq)) hidden.add(formatKey(INITIAL_WRITER, seq));
  }
  return { lostInitial, hidden };
}

/** Whether a transaction that is still prepared may hold rows of a partition; of any partition if none is named. */
function doubtByPartition(history: History): (partition: number | undefined) => boolean {
  const prepared = stillPrepared(history);
  if (prepared.left.length === 0) return () => prepared.unseen !== undefined;
  const partitions = placementOf(history)?.partitions ?? [];
  const relations = new Map(
    eventsOf(history, 'placement-read').map(({ partition, node, relation }) => [`${partition} ${node}`, relation]),
  );
  const ofPartition = partitions.map(({ name, copies: placements }) =>
    placements.some((node) => prepared.mayHold(node, relations.get(`${name} ${node}`))),
  );
  return (partition) => (partition === undefined ? ofPartition.includes(true) : (ofPartition[partition] ?? false));
}

/** Keys of unknown writes that a read of the load returned. */
function resolvedByReads(history: History): ReadonlySet<string> {
  const keys = new Set<string>();
  const { anomalies, columns } = history.operations.data;
  for (const [row, { resolved = [] }] of anomalies) {
    if (columns.outcome[row] === OK) for (const key of resolved) keys.add(key);
  }
  return keys;
}

/** @param firstOwn the first writer of this run; lower ones are earlier runs'. `undefined` if not known. */
function neverSent(anywhere: KeySet, sent: KeySet, messages: number, firstOwn: number | undefined): Witnesses {
  const unexpected = new Witnesses();
  for (const { writer, seq } of anywhere.without(sent).keys()) {
    const initial = writer === INITIAL_WRITER && seq >= 1 && seq <= messages;
    const earlier = writer > INITIAL_WRITER && (firstOwn === undefined || writer < firstOwn);
    if (!initial && !earlier) unexpected.add(formatKey(writer, seq));
  }
  return unexpected;
}

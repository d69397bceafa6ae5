/**
 * Prepared transactions at the end of a run: acknowledged writes that they hid, and rows that the remaining ones may
 * still hold.
 */

import { LEFTOVERS, type PreparedTransaction } from '../model/event.ts';
import { eventsOf, type History } from '../model/history.ts';
import { formatKey, KeySet } from '../model/key-ranges.ts';
import type { NodeName } from '../model/topology.ts';
import { formatDuration, formatMoment } from '../model/units.ts';
import { oncePer } from './once.ts';
import { MAX_WITNESSES, Witnesses } from './witnesses.ts';

/** An acknowledged write that was invisible until its transaction had ended on every node. */
export interface LateWrite {
  readonly key: string;
  readonly acknowledgedAt: number;
  /** An upper bound. */
  readonly visibleAt: number;
  /** Where it was prepared; empty if not known. */
  readonly prepared: readonly { readonly node: NodeName; readonly gid: string }[];
}

export interface LateWrites {
  /** Acknowledged or initial, missing in the first read after the load, and in the final one. */
  readonly late: Witnesses;
  /** The first few of the writes. */
  readonly first: readonly LateWrite[];
  /** The longest time from an acknowledgement until the write was visible; `null` without one. */
  readonly forMs: number | null;
}

/** Passes over the operations only if transactions were prepared. */
export const lateWritesOf = oncePer(findLate);

function findLate(history: History): LateWrites {
  const late = new Witnesses();
  const first: LateWrite[] = [];
  let forMs: number | null = null;
  const early = eventsOf(history, 'read-in-doubt').find(({ partition }) => partition === undefined);
  const final = eventsOf(history, 'final-read')[0];
  if (!early || !final) return { late, first, forMs };

  const hidden = KeySet.fromRanges(final.read.present).without(KeySet.fromRanges(early.read.present));
  for (let seq = 1; seq <= history.run.messages; seq++) if (hidden.has(0, seq)) late.add(formatKey(0, seq));
  const transactions = transactionsByKey(history);
  for (const { writer, seq, outcome, settledAt } of history.operations.scan()) {
    if (writer === undefined || seq === undefined || outcome !== 'ok' || !hidden.has(writer, seq)) continue;
    const key = formatKey(writer, seq);
    const prepared = transactions.get(key) ?? [];
    const visibleAt = prepared.length === 0 ? final.at : Math.max(...prepared.map(({ endedAt }) => endedAt));
    late.add(key);
    forMs = Math.max(forMs ?? 0, visibleAt - settledAt);
    if (first.length < MAX_WITNESSES) first.push({ key, acknowledgedAt: settledAt, visibleAt, prepared });
  }
  return { late, first, forMs };
}

function transactionsByKey(history: History) {
  const byKey = new Map<string, { readonly node: NodeName; readonly gid: string; readonly endedAt: number }[]>();
  for (const { node, gid, endedAt, keys } of eventsOf(history, 'recovery-ended').flatMap(({ ended }) => ended)) {
    for (const key of keys) byKey.set(key, [...(byKey.get(key) ?? []), { node, gid, endedAt }]);
  }
  return byKey;
}

/** `1:45: acknowledged at 3.2 s, visible 23.2 s later; prepared as citus_0_71_9_1 on worker2`. */
export function describeLate({ key, acknowledgedAt, visibleAt, prepared }: LateWrite): string {
  const where = prepared.map(({ node, gid }) => `${gid} on ${node}`).join(', ');
  return (
    `${key}: acknowledged at ${formatMoment(acknowledgedAt)}, visible ${formatDuration(visibleAt - acknowledgedAt)} later` +
    (where === '' ? '' : `; prepared as ${where}`)
  );
}

/** Transactions that were still prepared when the final reads started, as far as pgquake could look. */
export interface StillPrepared {
  readonly left: readonly PreparedTransaction[];
  /** Why pgquake could not look for them. */
  readonly unseen?: string;
  /** Whether one of them may hold a row that a placement lacks; of any relation if none is named. */
  mayHold(node: NodeName, relation?: string): boolean;
}

export function stillPrepared(history: History): StillPrepared {
  const looked = eventsOf(history, 'leftovers').at(-1);
  const failed = eventsOf(history, 'final-read-failed').find(({ source }) => source === LEFTOVERS);
  const left = looked?.preparedTransactions ?? [];
  const unseen = looked || !failed ? undefined : failed.error;
  return {
    left,
    ...(unseen === undefined ? {} : { unseen }),
    mayHold: (node, relation) =>
      unseen !== undefined ||
      left.some(
        (one) =>
          one.node === node &&
          (one.relations === undefined ||
            (relation === undefined ? one.relations.length > 0 : one.relations.includes(relation))),
      ),
  };
}

/** `2 prepared transactions on worker1, worker2 have not ended` */
export function describeStill({ left, unseen }: StillPrepared): string {
  if (unseen !== undefined) return `pgquake could not look for prepared transactions (${unseen})`;
  const nodes = [...new Set(left.map(({ node }) => node))].sort().join(', ');
  return left.length === 1
    ? `a prepared transaction on ${nodes} has not ended`
    : `${left.length} prepared transactions on ${nodes} have not ended`;
}

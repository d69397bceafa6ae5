/**
 * A history reduced to what the client or its machine could not have caused: the reading most favourable to the
 * cluster.
 */

import type { TimeRange } from '../model/figures.ts';
import type { History, Operation, OperationLog } from '../model/history.ts';
import { OperationTable } from '../model/operations.ts';
import { overlapMs } from './time-ranges.ts';

/** A failed operation that spent more than this share of its life in doubtful time is not held against the cluster. */
const DOUBTFUL_SHARE = 0.5;

/**
 * The history without the effects of `ranges`: failed operations that started in them, or spent half of their life in
 * them, are left out; successful ones end earlier by the time they waited in them.
 * @param ranges times in which the client or the machine was starved; they do not overlap.
 */
export function withoutDoubtful(history: History, ranges: readonly TimeRange[]): History {
  const cleared = (log: OperationLog) => clear(log, ranges);
  return { ...history, operations: cleared(history.operations), probes: cleared(history.probes) };
}

function clear(log: OperationLog, ranges: readonly TimeRange[]): OperationLog {
  const table = new OperationTable();
  for (const operation of log) {
    const { intendedAt, sentAt, settledAt, outcome } = operation;
    if (outcome === 'ok') {
      const sent = sentAt - overlapMs(ranges, intendedAt, sentAt);
      table.add({ ...operation, sentAt: sent, settledAt: settledAt - overlapMs(ranges, intendedAt, settledAt) });
    } else if (!isDoubtful(operation, ranges)) table.add(operation);
  }
  return table;
}

function isDoubtful({ intendedAt, settledAt }: Operation, ranges: readonly TimeRange[]): boolean {
  const began = ranges.some(({ fromMs, toMs }) => intendedAt >= fromMs && intendedAt < toMs);
  return began || overlapMs(ranges, intendedAt, settledAt) > DOUBTFUL_SHARE * (settledAt - intendedAt);
}

/** A run as it may have looked to a client that had all the time it needed: the most favourable reading of the cluster. */

import type { TimeRange } from '../model/figures.ts';
import type { History, Operation, OperationLog } from '../model/history.ts';
import { OperationTable } from '../model/operations.ts';
import { overlapMs } from './time-ranges.ts';

/** An operation that did not succeed and spent so much of its life in doubtful time is not held against anybody. */
const DOUBTFUL_SHARE = 0.5;

/**
 * The history without what `ranges` may have done to it: what did not succeed and spent half of its life in them, or
 * began in them, is left out; what succeeded is as much earlier as it waited in them.
 * @param ranges in which the client or the machine had no time for it; they do not overlap.
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

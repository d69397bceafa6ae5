/** The history of a run of any length, without its operations. */

import type { History, OperationKind } from '../src/model/history.ts';
import { buildHistory } from '../test/support/history-builder.ts';

export const KEYS = 100;
export const PARTITIONS = 4;

/** @param count of operations. @param ratePerSecond of all kinds together. */
export function longHistory(count: number, ratePerSecond: number, kinds: readonly OperationKind[]): History {
  const loadMs = (count / ratePerSecond) * 1_000;
  const phases = { steadyMs: loadMs * 0.25, faultMs: loadMs * 0.5, settleMs: loadMs * 0.25 - 310 };
  return buildHistory({ ...phases, partitionKeys: KEYS, partitions: PARTITIONS, kinds });
}

/** Which acknowledged writes and initial messages are lost, in words, and whether that is certain. */

import type { History } from '../model/history.ts';
import { formatCount } from '../model/units.ts';
import { BY_CLIENTS } from './final-reads.ts';
import { describeStill, stillPrepared } from './late-writes.ts';
import { auditWrites } from './write-audit.ts';

export interface LostWrites {
  readonly count: number;
  /** `2 of 100 acknowledged writes and 1 of 500 initial messages`. */
  readonly what: string;
  /** Why they may still exist, in words that follow `what`; absent if they are certainly lost. */
  readonly doubt?: string;
}

/** @returns `undefined` if nothing is lost. */
export function lostWritesOf(history: History): LostWrites | undefined {
  const { finalReads, acknowledged, lostWrites, lostInDoubt, lostInitial } = auditWrites(history);
  const count = lostWrites + lostInitial.count;
  if (count === 0) return undefined;
  const what = [
    ...(lostWrites > 0 ? [`${lostWrites} of ${formatCount(acknowledged, 'acknowledged write')}`] : []),
    ...(lostInitial.count > 0
      ? [`${lostInitial.count} of ${formatCount(history.run.messages, 'initial message')}`]
      : []),
  ].join(' and ');
  if (lostInitial.count === 0 && lostInDoubt === lostWrites) {
    return { count, what, doubt: `not found, and ${describeStill(stillPrepared(history))}` };
  }
  // Without the clients' view, an unread placement may still have them.
  const proven = finalReads.byClients !== undefined || finalReads.missing.every((one) => one === BY_CLIENTS);
  return proven ? { count, what } : { count, what, doubt: 'not found, but not everything could be read' };
}

/** The ledger of a run: every write against the final reads, and every read against the acknowledged writes. */

import { eventsOf, type History } from '../model/history.ts';
import type { LedgerFigures } from '../model/report.ts';
import { divergenceOf } from './final-reads.ts';
import { lateWritesOf } from './late-writes.ts';
import { auditReads } from './read-audit.ts';
import { Witnesses } from './witnesses.ts';
import { auditWrites, type WriteAudit } from './write-audit.ts';

export function ledgerFigures(history: History): LedgerFigures {
  const writes = auditWrites(history);
  const reads = auditReads(history);
  const figures = (witnesses: Witnesses) => witnesses.figures(history);
  return {
    written: writes.written,
    acknowledged: writes.acknowledged,
    unknown: writes.unknown,
    unknownPresent: writes.unknownPresent,
    unknownAbsent: writes.unknownAbsent,
    lost: figures(lostOf(writes)),
    hidden: figures(writes.hidden),
    receded: figures(writes.receded),
    resurrected: figures(writes.resurrected),
    ...(writes.unexpected ? { unexpected: figures(writes.unexpected) } : {}),
    ...lateFigures(history),
    divergent: figures(divergenceOf(history).all),
    staleReads: { ...figures(reads.staleKeys), count: reads.stale },
    staleForMs: reads.staleForMs,
    readYourWrites: figures(reads.ownMissing),
    monotonicReads: figures(reads.forgotten),
    duplicated: figures(reads.duplicated),
    corrupted: figures(reads.corrupted),
    finalReads: writes.finalReads.made,
    ...(history.run.lacks?.includes('reads') ? { unverifiedReads: true as const } : {}),
  };
}

/** Absent if no transaction was prepared when the load had stopped. */
function lateFigures(history: History): Pick<LedgerFigures, 'late'> {
  if (eventsOf(history, 'recovery-awaited').length === 0) return {};
  const { late, first, forMs } = lateWritesOf(history);
  const prepared = first.flatMap(({ key, prepared }) => prepared.map(({ node, gid }) => ({ key, node, gid })));
  return { late: { ...late.figures(history), forMs, prepared } };
}

/** Lost writes, then lost initial messages. */
export function lostOf({ lostWrites, lostWitnesses, lostInitial }: WriteAudit): Witnesses {
  const lost = new Witnesses();
  for (const { key } of lostWitnesses) lost.add(key as string, 0);
  for (const key of lostInitial.keys) lost.add(key, 0);
  lost.count = lostWrites + lostInitial.count;
  return lost;
}

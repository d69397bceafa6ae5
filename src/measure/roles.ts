/** Figures of a cluster whose roles move. */

import type { RoleFigures } from '../model/figures.ts';
import { eventsOf, type History } from '../model/history.ts';
import { finalPrimaryOf } from './final-witness.ts';
import { oncePer } from './once.ts';
import { twoPrimaries } from './split-brain.ts';
import { takeoversOf } from './takeovers.ts';
import { auditWrites } from './write-audit.ts';
import { witnessedNodes, writeSpans } from './write-spans.ts';

/** @returns `undefined` if no roles were recorded: they do not move. */
export const roleFigures = oncePer((history: History): RoleFigures | undefined => {
  if (eventsOf(history, 'roles-seen').length === 0 && history.witness === undefined) return undefined;
  return {
    witness: witnessedByNode(history),
    lost: auditWrites(history).lostBy,
    twoPrimaries: twoPrimaries(history),
    takeovers: takeoversOf(history),
  };
});

function witnessedByNode(history: History): RoleFigures['witness'] {
  const final = finalPrimaryOf(history);
  const spans = writeSpans(history);
  return (history.witness ? witnessedNodes(history) : []).map((node) => {
    const writes = spans.filter((span) => span.node === node).flatMap((span) => span.writes);
    const lost = final && writes.filter((write) => !final.has(write));
    const times = (lost ?? []).map(({ settledAt }) => settledAt);
    return {
      node,
      acknowledged: writes.length,
      lost: lost ? lost.length : null,
      lostForMs: times.length === 0 ? 0 : (times.at(-1) as number) - (times[0] as number),
    };
  });
}

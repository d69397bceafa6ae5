/**
 * Answers that contradict the proof of a fault: by the proof, all copies of the rows, or the node that every statement
 * passes, were down or frozen. The load is a witness independent of the fault. Faults that leave their nodes up make no
 * answer impossible. Pure.
 */

import type { History } from '../model/history.ts';
import type { NodeName } from '../model/topology.ts';
import { placementOf } from './partitions.ts';
import { actsOf } from './spans.ts';

/** Operations under way at the strike may still be answered, and the stamps come from two threads. */
const TRANSITION_MS = 250;

/** For each act, how many answered operations contradict it; acts without any are left out. */
export function refutingAnswers(history: History): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  const acts = actsOf(history).filter(({ effect, effectMs }) => effect !== undefined && effectMs !== undefined);
  if (acts.length === 0) return counts;
  const { partitions = [], entry } = placementOf(history) ?? {};
  for (const { outcome, sentAt, settledAt, partition } of history.operations.scan()) {
    if (outcome !== 'ok') continue;
    const active = acts.filter(
      ({ effectMs = 0, healAskedMs = Number.POSITIVE_INFINITY }) =>
        sentAt >= effectMs + TRANSITION_MS && settledAt <= healAskedMs,
    );
    const lost = new Set(active.flatMap(({ nodes }) => nodes));
    const copies: readonly NodeName[] = partition === undefined ? [] : (partitions[partition]?.copies ?? []);
    const gone =
      entry !== undefined && lost.has(entry) ? [entry] : copies.every((node) => lost.has(node)) ? copies : [];
    for (const { act, nodes } of active) {
      if (gone.some((node) => nodes.includes(node))) counts.set(act, (counts.get(act) ?? 0) + 1);
    }
  }
  return counts;
}

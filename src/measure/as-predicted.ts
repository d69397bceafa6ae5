/** How every partition served while all faults were in effect, beside its engine's prediction. Pure. */

import type { TimeRange } from '../model/figures.ts';
import { eventsOf, type History } from '../model/history.ts';
import type { PartitionPrediction } from '../model/topology.ts';
import { type PartitionService, predictionFor, serviceWithin } from './partitions.ts';
import { fullEffects } from './spans.ts';

/** The time in which a cluster notices a loss; the prediction does not cover it. In milliseconds. */
const TRANSITION_MS = 1_000;

/** One partition in one time of full effect. */
export interface PredictedService {
  readonly service: PartitionService;
  /** `undefined` if the engine predicted nothing for this partition. */
  readonly predicted: PartitionPrediction | undefined;
  /** The time that counts: after the transition. */
  readonly range: TimeRange;
}

/** @returns every partition in every time of full effect, or why there is nothing to compare. */
export function servedBesidePrediction(history: History): readonly PredictedService[] | { readonly why: string } {
  const effects = fullEffects(history);
  if (effects.length === 0) return { why: 'no fault was in full effect' };
  const all: PredictedService[] = [];
  for (const effect of effects) {
    const predicted = predictionFor(history, effect);
    if (!predicted) return { why: 'nothing was predicted' };
    const outMs = transitionMs(predicted.partitions);
    const range = { fromMs: effect.fromMs + outMs, toMs: effect.toMs };
    const seen = serviceWithin(history, range);
    if (!seen) return { why: 'the cluster was never formed' };
    for (const service of seen.partitions) {
      const own = predicted.partitions.find(({ partition }) => partition === service.partition.name);
      all.push({ service, predicted: own, range });
    }
  }
  return all;
}

/** The longest time until a partition behaves as predicted, over all predictions of a run. */
export function longestTransitionMs(history: Pick<History, 'events'>): number {
  return transitionMs(eventsOf(history, 'predicted').flatMap(({ partitions }) => partitions));
}

function transitionMs(partitions: readonly PartitionPrediction[]): number {
  return Math.max(TRANSITION_MS, ...partitions.map(({ outMs = 0 }) => outMs));
}

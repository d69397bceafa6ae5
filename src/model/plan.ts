/** What a run will do, fully resolved: the plan IS the dry run. */

import type { Scenario } from './scenario.ts';
import type { NodeName, Shard, ShardPrediction } from './topology.ts';

/** One act of the schedule: one fault on the nodes that were picked for it. */
export interface PlannedAct {
  /** Counted from 0 in the order of the scenario and of the strikes of each fault; unique in the run. */
  readonly index: number;
  readonly fault: string;
  readonly targets: readonly NodeName[];
  /** From the start of the fault phase. */
  readonly atMs: number;
  readonly forMs: number;
  /** Set on a further strike of one fault: it begins `gapMs` after that act is healed; `atMs` is then the earliest time. */
  readonly after?: { readonly act: number; readonly gapMs: number };
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Plan {
  readonly scenario: Scenario;
  /** Everything random in the run follows from it. From 0 to 2^32 - 1. */
  readonly seed: number;
  readonly acts: readonly PlannedAct[];
  /** The placement that the topology leads to; the formed cluster's own map is in the history. */
  readonly placement: readonly Shard[];
  /** Nodes that are down or frozen at one moment or another. */
  readonly blastRadius: readonly NodeName[];
}

/** An engine's prediction for the time when a set of nodes is down together. */
export interface PlannedPrediction {
  readonly down: readonly NodeName[];
  readonly shards: readonly ShardPrediction[];
}

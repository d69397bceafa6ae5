/** What a run will do, fully resolved: the plan IS the dry run. */

import type { MovingRole } from './roles.ts';
import type { Scenario } from './scenario.ts';
import type { NodeName, Partition, PartitionPrediction } from './topology.ts';

/** One act of the schedule: one fault on the nodes that were picked for it. */
export interface PlannedAct {
  /** Counted from 0 in the order of the scenario and of the strikes of each fault; unique in the run. */
  readonly index: number;
  readonly fault: string;
  /** Empty where they are picked once the partitions are placed, or when the fault strikes. */
  readonly targets: readonly NodeName[];
  /** Set where its targets are those that have a role when it strikes. */
  readonly atStrike?: PickedAtStrike;
  /** Out of which nodes they were picked, or will be; absent where the scenario names them. */
  readonly picked?: string;
  /** From the start of the fault phase. */
  readonly atMs: number;
  readonly forMs: number;
  /** Set on a further strike of one fault: it begins `gapMs` after that act is healed; `atMs` is then the earliest time. */
  readonly after?: { readonly act: number; readonly gapMs: number };
  readonly params: Readonly<Record<string, unknown>>;
}

/** Nodes that have a role when a fault strikes. */
export interface PickedAtStrike {
  readonly role: MovingRole;
  /** Decides which of them are picked, the same for all strikes of one fault. */
  readonly draw: number;
  /** Of those that are picked, counted from 0: a strike of a fault with several may take one after the other. */
  readonly which: readonly number[];
  /** All that have the role, however many they are then. */
  readonly all?: true;
}

export interface Plan {
  readonly scenario: Scenario;
  /** Everything random in the run follows from it. From 0 to 2^32 - 1. */
  readonly seed: number;
  readonly acts: readonly PlannedAct[];
  /** The placement that the topology leads to; the formed cluster's own map is in the history. */
  readonly placement: readonly Partition[];
  /** What the faults may touch, as far as their targets are known. */
  readonly blastRadius: BlastRadius;
}

/** Nodes that are struck, in whatever way, and the names of the partitions that may feel it. */
export interface BlastRadius {
  readonly nodes: readonly NodeName[];
  readonly partitions: readonly string[];
  /** The partitions alone, act by act. */
  readonly ofActs: readonly (readonly string[])[];
}

/** An engine's prediction for the time when a set of nodes is down together. */
export interface PlannedPrediction {
  readonly down: readonly NodeName[];
  readonly partitions: readonly PartitionPrediction[];
}

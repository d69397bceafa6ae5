/** What a run will do, fully resolved: the plan is the dry run. */

import type { MovingRole } from './roles.ts';
import type { Scenario } from './scenario.ts';
import type { NodeName, Partition } from './topology.ts';

/** Of the seed of a run; the least is 0. */
export const MAX_SEED = 2 ** 32 - 1;

/** One act of the schedule: one strike of a fault on its targets. */
export interface PlannedAct {
  /** From 0, in the order of the scenario and of each fault's strikes; unique in the run. */
  readonly index: number;
  readonly fault: string;
  /** Empty if pgquake picks them later: once the partitions are placed, or when the fault strikes. */
  readonly targets: readonly NodeName[];
  /** Set if its targets are nodes that have a role when it strikes. */
  readonly atStrike?: PickedAtStrike;
  /** The nodes that pgquake picks the targets from; absent if the scenario names them. */
  readonly picked?: string;
  /** From the start of the fault phase. */
  readonly atMs: number;
  readonly forMs: number;
  /** Set on a repeated strike: it begins `gapMs` after that act is healed; `atMs` is then the earliest time. */
  readonly after?: { readonly act: number; readonly gapMs: number };
  readonly params: Readonly<Record<string, unknown>>;
}

/** Targets by the role that they have when the fault strikes. */
export interface PickedAtStrike {
  readonly role: MovingRole;
  /** Decides which nodes are picked; the same for all strikes of a fault. */
  readonly draw: number;
  /** Positions among the picked nodes, from 0: the strikes of one fault may take them in turn. */
  readonly which: readonly number[];
  /** Set if the fault strikes all nodes with the role. */
  readonly all?: true;
}

export interface Plan {
  readonly scenario: Scenario;
  /** The source of all randomness in the run. From 0 to 2^32 - 1. */
  readonly seed: number;
  readonly acts: readonly PlannedAct[];
  /** The expected placement; the history has that of the formed cluster. */
  readonly placement: readonly Partition[];
  /** What the faults may affect, as far as their targets are known. */
  readonly blastRadius: BlastRadius;
}

/** The nodes that faults strike, and the partitions that may suffer. */
export interface BlastRadius {
  readonly nodes: readonly NodeName[];
  readonly partitions: readonly string[];
  /** The partitions of each act. */
  readonly ofActs: readonly (readonly string[])[];
}

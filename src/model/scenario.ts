/** A scenario as validated: quantities are numbers, defaults are filled in, every word is known. */

import type { Inventory } from './inventory.ts';
import type { MovingRole } from './roles.ts';
import type { Access, BesidePurpose, NodeName, Topology } from './topology.ts';

/** Where in the scenario's file something stands; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What a cluster is made of, with what its engine alone understands. */
export interface ClusterMakeup extends Topology {
  /** The roles that move from node to node in it; absent where every node keeps its role. */
  readonly movingRoles?: readonly MovingRole[];
  /** Those of them that no node will have, with the reason in words. */
  readonly absentRoles?: Readonly<Partial<Record<MovingRole, string>>>;
  /** Routes of its engine that it does not have, with the reason in words. */
  readonly absentRoutes?: Readonly<Record<string, string>>;
  /** Of an engine with keys of its own. */
  readonly own?: OwnParameters;
}

/** What an engine read of its own keys under `cluster:`. */
export interface OwnParameters {
  /** Whose they are; no other engine can form this cluster. */
  readonly engine: string;
  /** As that engine writes them down. */
  readonly params: object;
  /** What the cluster is made of, for people. */
  readonly inWords: string;
}

export interface ClusterSpec extends ClusterMakeup {
  /** Name of a platform in the catalogue, or `auto`. */
  readonly platform: string;
  /** Name of an engine in the catalogue, or `auto`. */
  readonly engine: string;
  /** The name of a cluster that stands: the run attaches to it, and leaves it standing. */
  readonly attach?: string | undefined;
  /** How that cluster is reached, where it is not one of pgquake's own making; `attach` is its name then. */
  readonly inventory?: Inventory | undefined;
  /** The name of the cluster, repeated by whoever allows that it is broken. */
  readonly confirm?: string | undefined;
}

/** Which nodes a fault strikes: named, or picked by the run's seed when the plan is made, or once partitions are placed. */
export type TargetSpec =
  | { readonly nodes: readonly NodeName[] }
  | { readonly role: 'worker'; readonly pick: Amount }
  /** Nodes that are this for good; all of them by default. `majority` is of them. */
  | { readonly purpose: BesidePurpose; readonly pick?: Amount | 'majority' | undefined }
  /** Whoever has the role when the fault strikes; all of them by default. `majority` is of all nodes. */
  | { readonly roleAtStrike: MovingRole; readonly pick?: Amount | 'majority' | undefined }
  /** Workers with a copy of the partition; all of them by default. */
  | { readonly holdsPartitionOf: PartitionRef; readonly pick?: Amount | undefined }
  /** Workers without one; all of them by default. */
  | { readonly notHolding: PartitionRef; readonly pick?: Amount | undefined }
  /** Two workers that hold all copies of some partition. */
  | { readonly fatalPair: true };

/** So many of those that qualify, or a share of them from 0 to 1: rounded, at least one. */
export type Amount = number | { readonly share: number };

/** A partition by its index, or by a partition key that is in it. */
export type PartitionRef = ({ readonly partitionKey: number } | { readonly partition: number }) & {
  /** As its author wrote it. */
  readonly written: string;
};

/** How often every partition is probed. */
export interface ProbeSpec {
  /** For each partition and each of reading and writing. */
  readonly ratePerSecond: number;
  readonly deadlineMs: number;
  /** The routes that are probed side by side; that of whatever names none where it is absent. */
  readonly routes?: readonly { readonly name: string; readonly access: Access }[];
}

/** Reads and writes as fast as the servers answer, beside the load. */
export interface PressureSpec {
  readonly connections: number;
  /** Statements under way on each connection. */
  readonly depth: number;
  /** The share that writes, from 0 to 1. */
  readonly writes: number;
}

/** One strike of the list of faults; a fault that is repeated is several of them. */
export interface FaultStep {
  /** Name of a fault in the catalogue. */
  readonly fault: string;
  readonly target: TargetSpec;
  /** From the start of the fault phase until the fault is asked for. */
  readonly atMs: number;
  /** It is asked for late by up to so much, by the run's seed; never late by default. */
  readonly jitterMs?: number;
  /** From the fault in effect until its undo is asked for. */
  readonly forMs: number;
  /** The fault's own parameters, validated by the fault. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

/** Ends the faults when service of one kind stays below a share for a while. */
export interface AbortCondition {
  /** A kind of operation. */
  readonly of: string;
  /** From 0 to 1. */
  readonly below: number;
  readonly forMs: number;
}

/** What a run must not go beyond. */
export interface Guards {
  /** So many nodes may be struck at one time. */
  readonly maxDown?: number;
  /** For the whole run. */
  readonly limitMs?: number;
  readonly abortWhen: readonly AbortCondition[];
  readonly place: Place;
}

export interface HypothesisItem {
  /** Name of a check in the catalogue. */
  readonly check: string;
  /** Validated by the check. */
  readonly params: Readonly<Record<string, unknown>>;
  /** As the author wrote it, for reports. */
  readonly written: Readonly<Record<string, unknown>>;
  readonly place: Place;
  /** Why no run of this scenario can judge it, and where the scenario names it; absent where a run can. */
  readonly hopeless?: { readonly reason: string; readonly place: Place };
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** The sentence that this scenario puts to the test, quoted. */
  readonly claim?: string;
  /** Words to choose it by. */
  readonly tags?: readonly string[];
  /** The path that it was read from. */
  readonly file: string;
  /** The file's text, kept so that a stored run can be judged again. */
  readonly source: string;
  readonly cluster: ClusterSpec;
  /** `use` names a workload in the catalogue; `params` were validated by it. */
  readonly workload: { readonly use: string; readonly params: Readonly<Record<string, unknown>> };
  /** Absent where they are switched off. */
  readonly probes?: ProbeSpec;
  readonly pressure?: PressureSpec;
  readonly steadyStateMs: number;
  /** Of a run without faults: how long it looks on after its steady state, whatever people do; as long again by default. */
  readonly watchMs?: number;
  readonly faults: readonly FaultStep[];
  readonly settleWithinMs: number;
  /** Absent where the scenario names none. */
  readonly guards?: Guards;
  readonly hypothesis: readonly HypothesisItem[];
  readonly seed?: number;
}

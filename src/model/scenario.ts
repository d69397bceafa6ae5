/** A validated scenario: quantities are numbers, defaults are filled in, every word is known. */

import type { Inventory } from './inventory.ts';
import type { MovingRole } from './roles.ts';
import type { Access, BesidePurpose, NodeName, Topology } from './topology.ts';

/** A place in the scenario's file; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What a cluster is made of, with the parameters of its engine. */
export interface ClusterMakeup extends Topology {
  /** Roles that move from node to node; absent if every node keeps its role. */
  readonly movingRoles?: readonly MovingRole[];
  /** Of those, the roles that no node will have, with the reason in words. */
  readonly absentRoles?: Readonly<Partial<Record<MovingRole, string>>>;
  /** Routes of its engine that the cluster lacks, with the reason in words. */
  readonly absentRoutes?: Readonly<Record<string, string>>;
  /** Set if its engine has its own keys. */
  readonly own?: OwnParameters;
}

/** The values of the engine's own keys under `cluster:`. */
export interface OwnParameters {
  /** The engine; no other can form this cluster. */
  readonly engine: string;
  /** In the engine's own format. */
  readonly params: object;
  /** What the cluster is made of, in words. */
  readonly inWords: string;
}

export interface ClusterSpec extends ClusterMakeup {
  /** Name of a platform in the catalogue, or `auto`. */
  readonly platform: string;
  /** Name of an engine in the catalogue, or `auto`. */
  readonly engine: string;
  /** The name of an existing cluster: the run attaches to it and leaves it running. */
  readonly attach?: string | undefined;
  /** How to reach that cluster, if pgquake did not make it. */
  readonly inventory?: Inventory | undefined;
  /** The name of the cluster again, as permission to break it. */
  readonly confirm?: string | undefined;
}

/**
 * Which nodes a fault strikes: named; or picked by the run's seed when the plan is made, or once partitions are placed.
 */
export type TargetSpec =
  | { readonly nodes: readonly NodeName[] }
  | { readonly role: 'worker'; readonly pick: Amount }
  /** Nodes with this purpose; all by default. `majority` is of them. */
  | { readonly purpose: BesidePurpose; readonly pick?: Amount | 'majority' | undefined }
  /** Nodes that have the role when the fault strikes; all by default. `majority` is of all nodes. */
  | { readonly roleAtStrike: MovingRole; readonly pick?: Amount | 'majority' | undefined }
  /** Workers with a copy of the partition; all by default. */
  | { readonly holdsPartitionOf: PartitionRef; readonly pick?: Amount | undefined }
  /** Workers without one; all by default. */
  | { readonly notHolding: PartitionRef; readonly pick?: Amount | undefined }
  /** Two workers that hold all copies of some partition. */
  | { readonly fatalPair: true };

/** How many of the candidates, or which share of them (0 to 1): rounded, at least one. */
export type Amount = number | { readonly share: number };

/** A partition by its index, or by one of its partition keys. */
export type PartitionRef = ({ readonly partitionKey: number } | { readonly partition: number }) & {
  /** As written in the scenario. */
  readonly written: string;
};

export interface ProbeSpec {
  /** For each partition, separately for reading and writing. */
  readonly ratePerSecond: number;
  readonly deadlineMs: number;
  /** The routes to probe side by side; the main route if absent. */
  readonly routes?: readonly { readonly name: string; readonly access: Access }[];
}

/** Reads and writes at full speed, beside the load. */
export interface PressureSpec {
  readonly connections: number;
  /** Concurrent statements on each connection. */
  readonly depth: number;
  /** The share of writes, from 0 to 1. */
  readonly writes: number;
}

/** One strike of the list of faults; a repeated fault has several. */
export interface FaultStep {
  /** Name of a fault in the catalogue. */
  readonly fault: string;
  readonly target: TargetSpec;
  /** From the start of the fault phase until the fault is requested. */
  readonly atMs: number;
  /** The strike is late by up to this much, by the run's seed; never late by default. */
  readonly jitterMs?: number;
  /** From the fault in effect until its undo is requested. */
  readonly forMs: number;
  /** The fault's own parameters, validated by the fault. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

/** Ends the faults when the success of one kind stays below a share. */
export interface AbortCondition {
  /** A kind of operation. */
  readonly of: string;
  /** From 0 to 1. */
  readonly below: number;
  readonly forMs: number;
}

export interface Guards {
  /** The most nodes that may be struck at once. */
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
  /** As written in the scenario, for reports. */
  readonly written: Readonly<Record<string, unknown>>;
  readonly place: Place;
  /** Why no run of this scenario can judge it, and where; absent if a run can. */
  readonly hopeless?: { readonly reason: string; readonly place: Place };
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** The claim under test, quoted. */
  readonly claim?: string;
  /** Words to select scenarios by. */
  readonly tags?: readonly string[];
  /** The path of its file. */
  readonly file: string;
  /** The file's text, kept so that pgquake can judge a stored run again. */
  readonly source: string;
  readonly cluster: ClusterSpec;
  /** `use` names a workload in the catalogue, which validated `params`. */
  readonly workload: { readonly use: string; readonly params: Readonly<Record<string, unknown>> };
  /** Absent if probes are off. */
  readonly probes?: ProbeSpec;
  readonly pressure?: PressureSpec;
  readonly steadyStateMs: number;
  /** For a run without faults: how long it watches after its steady state; by default as long as the steady state. */
  readonly watchMs?: number;
  readonly faults: readonly FaultStep[];
  readonly settleWithinMs: number;
  /** Absent if the scenario has none. */
  readonly guards?: Guards;
  readonly hypothesis: readonly HypothesisItem[];
  readonly seed?: number;
}

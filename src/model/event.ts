/**
 * The events of a run. `at` is in milliseconds on the run's monotonic clock. Events are written to disk at once
 * (events.ndjson); checks read only events and operations.
 */

import type { Lost } from './loss.ts';
import type { Promised } from './promise.ts';
import type { Roles } from './roles.ts';
import type { Access, NodeEffect, NodeName, NodeState, PartitionPrediction, PlacementMap } from './topology.ts';

export const PHASES = [
  'provision',
  'form',
  'ramp',
  'steady-state',
  'fault',
  'settle',
  'final-reads',
  'dispose',
] as const;

/**
 * - `provision`: the platform makes the nodes. `form`: the engine makes them one cluster and fills it.
 * - `ramp`: the load rises to its rates; an overload ends the run. Absent in older histories.
 * - `steady-state`: load without faults. `fault`: from the first fault requested to the last one healed.
 * - `settle`: the load runs until service has recovered, then stops; replicas catch up.
 * - `final-reads`: pgquake reads every row as clients do, and from every placement directly.
 */
export type Phase = (typeof PHASES)[number];

export interface NodeInfo {
  readonly name: NodeName;
  /** Its fixed role, as the engine names it: `coordinator`, `worker`, `member`. */
  readonly role: string;
  /** As pgquake reaches it, `127.0.0.1:12345`; without a password. */
  readonly address: string;
  /** As the server reports it, `PostgreSQL 18.4`. */
  readonly version: string;
  /** Settings that affect figures and safety, as the server shows them. Absent in older histories. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The keys that a read found: writer -> ranges of sequence numbers, `{"1": "1-412,414-1000"}`. */
export type PresentKeys = Readonly<Record<string, string>>;

/** A row whose content does not match its key. */
export interface CorruptRow {
  /** `writer:sequence`. */
  readonly key: string;
  readonly found: string;
  readonly expected: string;
}

/** A transaction that is prepared on a node, neither committed nor rolled back. */
export interface PreparedTransaction {
  readonly node: NodeName;
  readonly gid: string;
  readonly ageMs: number;
  /** The relations of the data set that it wrote, quoted. Absent in older histories and where pgquake did not ask. */
  readonly relations?: readonly string[];
}

/** A transaction that was prepared when the load stopped, and has ended since. */
export interface EndedTransaction {
  readonly node: NodeName;
  readonly gid: string;
  /** On the run's clock. */
  readonly preparedAt: number;
  readonly endedAt: number;
  /** `writer:sequence` of at most 100 rows that it wrote on its node; empty if it was rolled back. */
  readonly keys: readonly string[];
}

/** A replication slot without a reader: the server keeps its log for it indefinitely. */
export interface IdleSlot {
  readonly node: NodeName;
  readonly name: string;
  /** Log that the server keeps for it. */
  readonly keptBytes: number;
}

/** The source named by `final-read-failed` if pgquake could not look for leftovers. */
export const LEFTOVERS = 'leftovers';
/** The source named by `final-read-failed` if pgquake could not read the witness's rows on a node. */
export const WITNESS = 'witness';

export interface ReadSummary {
  /** Rows received, counting duplicates. */
  readonly rows: number;
  readonly present: PresentKeys;
  /** Keys received more than once, at most 100. */
  readonly duplicated: readonly string[];
  /** At most 100. */
  readonly corrupted: readonly CorruptRow[];
}

/** Extra observations, recorded if a check of the hypothesis needs them. */
export const OBSERVATIONS = ['work-of-workers', 'storage', 'read-scaling'] as const;
export type Observation = (typeof OBSERVATIONS)[number];

/** What one worker served to clients, by its own count. */
export interface WorkOfWorker {
  readonly node: NodeName;
  /** Reads of its placements. */
  readonly reads: number;
  /** Messages that clients wrote to it; replicated ones are not counted. */
  readonly writes: number;
}

/** One sample of the machine that pgquake runs on. Shares go from 0 to 1. */
export interface HostSample {
  /** Length of the sample, which ends with the event. */
  readonly forMs: number;
  /** Of all processors together. */
  readonly busy: number;
  /** Processor time that the hypervisor gave to other machines. */
  readonly stolen: number;
  /** Tasks that ran or waited for a processor, on average. Absent if the system does not report it. */
  readonly runnable?: number;
  /** The share of time in which a task waited for each resource (`/proc/pressure`). Absent without that file. */
  readonly pressure?: { readonly cpu?: number; readonly memory?: number; readonly io?: number };
  /** The longest delay of pgquake's main thread. */
  readonly lateMs: number;
}

export interface PickedAct {
  readonly act: number;
  readonly fault: string;
  readonly targets: readonly NodeName[];
  readonly picked?: string;
}

/** A measurement of reads at full speed, of the partitions whose first holders are this many workers. */
export interface ReadScalingStep {
  readonly workers: number;
  /** The workers that served at least half of an even share. */
  readonly served: readonly NodeName[];
  readonly ok: number;
  readonly failed: number;
  readonly forMs: number;
}

export type RunEvent =
  | { readonly type: 'phase-started'; readonly phase: Phase }
  | { readonly type: 'phase-ended'; readonly phase: Phase }
  /** The first event of a run. The engine is `auto` if pgquake has yet to ask the servers. */
  | {
      readonly type: 'platform-chosen';
      readonly platform: string;
      readonly engine: string;
      readonly reason: string;
    }
  | {
      readonly type: 'cluster-formed';
      readonly platform: string;
      readonly engine: string;
      /** Why pgquake chose this platform and engine. */
      readonly reason: string;
      readonly nodes: readonly NodeInfo[];
      /** What the nodes run on, `Docker` -> `27.1`. Absent if the platform reports nothing, and in older histories. */
      readonly about?: readonly { readonly name: string; readonly value: string }[];
      readonly placement: PlacementMap;
      /** The routes to the data; the first that takes writes is the default. Absent in older histories. */
      readonly routes?: readonly { readonly name: string; readonly access: Access }[];
    }
  /** Targets that depend on the placement, picked once the partitions are placed. */
  | { readonly type: 'targets-picked'; readonly acts: readonly PickedAct[] }
  | {
      readonly type: 'predicted';
      readonly down: readonly NodeName[];
      /** Absent if none is. */
      readonly frozen?: readonly NodeName[];
      readonly partitions: readonly PartitionPrediction[];
    }
  /** What the cluster's settings promise for everything that is lost once this act strikes; recorded just before it. */
  | {
      readonly type: 'promised';
      readonly act: number;
      readonly lost: readonly Lost[];
      readonly promise: Promised;
    }
  | {
      readonly type: 'fault-asked';
      readonly act: number;
      readonly fault: string;
      readonly targets: readonly NodeName[];
      /** The nodes that pgquake picked from; absent if the scenario names the targets. */
      readonly picked?: string;
      /** What the fault does to its targets. */
      readonly effect?: NodeEffect;
      /** The state of its targets, `killed`; if absent, the effect says it, else the fault's name. */
      readonly state?: string;
    }
  | { readonly type: 'fault-in-effect'; readonly act: number; readonly proof: string }
  /**
   * What a fault on traffic had met on each target just before the undo, beside pgquake's own proof. A fault that met
   * nothing did no harm.
   */
  | {
      readonly type: 'fault-met';
      readonly act: number;
      readonly counts: Readonly<Record<NodeName, number>>;
      /** A plural, `packets`. */
      readonly of: string;
    }
  | { readonly type: 'fault-met-failed'; readonly act: number; readonly error: string }
  | { readonly type: 'fault-failed'; readonly act: number; readonly error: string }
  | { readonly type: 'heal-asked'; readonly act: number }
  | { readonly type: 'healed'; readonly act: number; readonly proof: string }
  | { readonly type: 'heal-failed'; readonly act: number; readonly error: string }
  /** One complete read after healing, as clients read, by a route. */
  | { readonly type: 'final-read'; readonly route: string; readonly read: ReadSummary }
  /** One complete read of one placement on its node. */
  | {
      readonly type: 'placement-read';
      readonly partition: string;
      readonly node: NodeName;
      /** The table on that node, quoted. Absent in older histories. */
      readonly relation?: string;
      readonly read: ReadSummary;
    }
  /**
   * A complete read after healing, while transactions were still prepared: as clients read, or of one placement. Rows
   * missing here may still appear in `final-read` and `placement-read`.
   */
  | {
      readonly type: 'read-in-doubt';
      /** Absent, like `partition` and `relation`, for the read as clients read. `relation` is quoted. */
      readonly node?: NodeName;
      readonly partition?: string;
      readonly relation?: string;
      readonly read: ReadSummary;
    }
  /** Transactions are still prepared after the load has stopped. The engine has `limitMs` to end them. */
  | {
      readonly type: 'recovery-awaited';
      readonly preparedTransactions: readonly PreparedTransaction[];
      readonly limitMs: number;
      /** Set if pgquake then asks the engine to end them: how long it has after that. */
      readonly thenAskedForMs?: number;
    }
  /** All of them have ended, or the limit has passed. */
  | {
      readonly type: 'recovery-ended';
      readonly ended: readonly EndedTransaction[];
      readonly left: readonly PreparedTransaction[];
      readonly waitedMs: number;
      /** When pgquake asked the engine to end them; absent if it did not. */
      readonly askedAt?: number;
      /** Why pgquake could not ask it. */
      readonly error?: string;
    }
  /** A final read that failed; checks that need it answer `unknown`. */
  | { readonly type: 'final-read-failed'; readonly source: string; readonly error: string }
  /**
   * After the final reads of a run with faults: whether all readers of the nodes' logs have caught up and every
   * prepared transaction has ended. `left` lists what has not, or could not be checked; then `advice` says what to do.
   */
  | { readonly type: 'healing-verified'; readonly left: readonly string[]; readonly advice?: string }
  /** What was left on the nodes just before the final reads. Rows of prepared transactions are still invisible. */
  | {
      readonly type: 'leftovers';
      readonly preparedTransactions: readonly PreparedTransaction[];
      /** Slots without a reader after replication had time to reconnect. Absent in older histories. */
      readonly idleSlots?: readonly IdleSlot[];
    }
  /** Commands for the operator to run if the nodes that a fault takes down stay away. */
  | { readonly type: 'repair'; readonly away: readonly NodeName[]; readonly commands: readonly string[] }
  /** Whether all placements of each partition became equal, and how long that took after the load stopped. */
  | { readonly type: 'replicas-compared'; readonly agree: boolean; readonly waitedMs: number }
  /** How well the load generator kept its schedule: first the load's event, then the probes'. */
  | {
      readonly type: 'load-kept';
      readonly of?: 'probes';
      /** The writer of this run's messages; lower ones are earlier runs'. Absent for probes and in older histories. */
      readonly writer?: number;
      readonly intended: number;
      /** Not sent in time: the client had no free connection. */
      readonly unsent: number;
      readonly latenessP99Ms: number;
      readonly latenessMaxMs: number;
      readonly eventLoopDelayMaxMs: number;
      /** When the client itself stalled for 20 ms or more, the first 1,000 times. */
      readonly stalls?: readonly { readonly fromMs: number; readonly toMs: number }[];
    }
  /** A node's role by its own answer to the witness, whenever that changes. At `sinceMs` it last answered otherwise. */
  | {
      readonly type: 'witness-saw';
      readonly node: NodeName;
      readonly role: 'primary' | 'standby';
      /** Only of a primary. */
      readonly timeline?: number;
      /** Absent in a node's first answer. */
      readonly sinceMs?: number;
    }
  /** How many requests the witness had due, recorded when it stops. */
  | { readonly type: 'witness-kept'; readonly intended: number }
  /** The witness's rows on a node at the end: number of the node that acknowledged -> sequence numbers. */
  | {
      readonly type: 'witness-read';
      readonly node: NodeName;
      readonly role: 'primary' | 'standby';
      readonly timeline?: number;
      readonly present: PresentKeys;
    }
  /**
   * The probes' rows that clients find at the end: run -> sequence numbers; if two nodes are primaries, also the rows
   * found on any of them.
   */
  | { readonly type: 'probes-read'; readonly present: PresentKeys; readonly onPrimaries?: PresentKeys }
  /** A sample of the machine that pgquake runs on, once a second. */
  | ({ readonly type: 'host' } & HostSample)
  /** The result of the pressure, from its start until the load stopped. */
  | { readonly type: 'pressure'; readonly ok: number; readonly failed: number; readonly forMs: number }
  | { readonly type: 'work-of-workers'; readonly workers: readonly WorkOfWorker[] }
  /** The size of all placements of all tables, and of one copy of the same rows on one server. */
  | {
      readonly type: 'storage';
      readonly oneCopyBytes: number;
      readonly copies: readonly { readonly partition: string; readonly node: NodeName; readonly bytes: number }[];
    }
  | {
      readonly type: 'read-scaling';
      /** Processors of pgquake's machine. The servers share it, unless pgquake attached to a cluster elsewhere. */
      readonly cores: number;
      readonly steps: readonly ReadScalingStep[];
    }
  | { readonly type: 'observation-failed'; readonly observation: Observation; readonly error: string }
  /**
   * pgquake removed a cluster that a killed run had left behind. Written to the history of the run that found it and
   * appended to the killed run's; that run's clock has stopped, so `when` is the time of day, ISO 8601.
   */
  | {
      readonly type: 'reclaimed';
      /** Folder name of the killed run. */
      readonly of: string;
      readonly when: string;
      readonly removed: readonly string[];
      /** Undos that were still open and no longer matter. */
      readonly voided: readonly string[];
      /**
       * On a cluster that pgquake did not make: the proof that its nodes work again. Absent in runs of earlier
       * versions.
       */
      readonly undone?: readonly string[];
    }
  | { readonly type: 'reclaim-failed'; readonly of: string; readonly error: string }
  /** The cluster could not take the whole load; `--fit` continues with a share of its rates. */
  | {
      readonly type: 'load-fitted';
      readonly share: number;
      readonly kinds: readonly { readonly name: string; readonly ratePerSecond: number }[];
    }
  /** A guard of the scenario tripped: the faults end here and are healed. */
  | { readonly type: 'guard-tripped'; readonly reason: string }
  /**
   * The state of a node changed without an act of the run. At `sinceMs` it was last seen unchanged. A node is silent if
   * processes of it are stopped and new connections get no answer.
   */
  | {
      readonly type: 'node-changed';
      readonly node: NodeName;
      readonly from: NodeState | 'silent';
      readonly to: NodeState | 'silent';
      readonly sinceMs: number;
      /** As the platform describes it: `postmaster 4711 and its 7 other processes are gone`. */
      readonly detail: string;
    }
  /**
   * The role of every node, in a cluster whose roles move: at the start of the steady state, and after every change.
   */
  | { readonly type: 'roles-seen'; readonly roles: Roles }
  /** A step of the manager's failover. */
  | {
      readonly type: 'failover';
      readonly step: 'noticed' | 'elected' | 'promoted' | 'gave-up';
      readonly from: NodeName;
      readonly to?: NodeName;
      readonly detail: string;
    }
  /**
   * All rows of a former primary just before it becomes a standby: rows that only it has are lost then. `timeline` is
   * the last one that it wrote.
   */
  | { readonly type: 'fork-read'; readonly node: NodeName; readonly timeline: number; readonly read: ReadSummary }
  | { readonly type: 'interrupted'; readonly reason: string }
  | { readonly type: 'run-failed'; readonly error: string };

export type Timed<E> = E & { readonly at: number };
export type TimedEvent = Timed<RunEvent>;
export type EventOf<T extends RunEvent['type']> = Timed<Extract<RunEvent, { readonly type: T }>>;

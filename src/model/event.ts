/**
 * What happens in a run, as it happens. `at` is in milliseconds on the run's monotonic clock, counted
 * from the run's start. Events are written to disk at once (events.ndjson); checks read only them
 * and the operations.
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
 * - `provision`: nodes are made and accept SQL. `form`: they become one cluster, with its data.
 * - `ramp`: the load rises to its rates; what is not borne ends the run. Absent in older histories.
 * - `steady-state`: load without faults. `fault`: from the first fault asked for to the last one healed.
 * - `settle`: load goes on until service is as before, then stops; replicas catch up.
 * - `final-reads`: every row as clients read it, and of every placement directly.
 */
export type Phase = (typeof PHASES)[number];

export interface NodeInfo {
  readonly name: NodeName;
  /** What it is for good, in the word of its engine: `coordinator`, `worker`, `member`. */
  readonly role: string;
  /** As pgquake reaches it, `127.0.0.1:12345`. Never holds a password. */
  readonly address: string;
  /** The server's own words, `PostgreSQL 18.4`. */
  readonly version: string;
  /** Settings that figures and safety depend on, by name, as the server shows them. Absent in older histories. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Keys that a read found, by writer: writer -> ranges of sequence numbers, `{"1": "1-412,414-1000"}`. */
export type PresentKeys = Readonly<Record<string, string>>;

/** A row whose content is not the one that its key demands. */
export interface CorruptRow {
  /** `writer:sequence`. */
  readonly key: string;
  readonly found: string;
  readonly expected: string;
}

/** A transaction that a node has prepared and that is neither committed nor rolled back there. */
export interface PreparedTransaction {
  readonly node: NodeName;
  readonly gid: string;
  readonly ageMs: number;
  /** Relations of the data set that it has written, quoted. Absent in older histories, and where nobody asked. */
  readonly relations?: readonly string[];
}

/** A transaction that stood prepared when the load had stopped, and has ended since. */
export interface EndedTransaction {
  readonly node: NodeName;
  readonly gid: string;
  /** On the run's clock. */
  readonly preparedAt: number;
  readonly endedAt: number;
  /** `writer:sequence` of the rows that it made on its node, at most 100 of them; none where it was rolled back. */
  readonly keys: readonly string[];
}

/** A replication slot that nobody reads: it keeps the server's log from being removed, for ever. */
export interface IdleSlot {
  readonly node: NodeName;
  readonly name: string;
  /** Of the log, kept for it. */
  readonly keptBytes: number;
}

/** Named as the source of a `final-read-failed` where leftovers could not be looked for. */
export const LEFTOVERS = 'leftovers';
/** Named as the source of a `final-read-failed` where the rows of the witness could not be read on a node. */
export const WITNESS = 'witness';

/** What one complete read of one source found. */
export interface ReadSummary {
  /** Rows as they came over the wire, duplicates counted. */
  readonly rows: number;
  readonly present: PresentKeys;
  /** Keys that came more than once, at most 100 of them. */
  readonly duplicated: readonly string[];
  /** At most 100 of them. */
  readonly corrupted: readonly CorruptRow[];
}

/** What a run records beyond the usual, where a check of its hypothesis needs it. */
export const OBSERVATIONS = ['work-of-workers', 'storage', 'read-scaling'] as const;
export type Observation = (typeof OBSERVATIONS)[number];

/** What one worker did for clients, by its own count. */
export interface WorkOfWorker {
  readonly node: NodeName;
  /** Reads of its placements of the messages. */
  readonly reads: number;
  /** Messages that it took from clients; what reached it by replication is left out. */
  readonly writes: number;
}

/** What one second asked of the machine that pgquake runs on. Shares go from 0 to 1. */
export interface HostSample {
  /** The sample covers the time before the event. */
  readonly forMs: number;
  /** Of all processors together. */
  readonly busy: number;
  /** Processor time that the hypervisor gave to other machines. */
  readonly stolen: number;
  /** Tasks that ran or waited for a processor, on average. Absent where the system does not say. */
  readonly runnable?: number;
  /** The share of the time in which some task waited for each of them (`/proc/pressure`). Absent where there is none. */
  readonly pressure?: { readonly cpu?: number; readonly memory?: number; readonly io?: number };
  /** By how much pgquake's own main thread was late at most. */
  readonly lateMs: number;
}

/** Which nodes an act strikes. */
export interface PickedAct {
  readonly act: number;
  readonly fault: string;
  readonly targets: readonly NodeName[];
  readonly picked?: string;
}

/** Reads as fast as they are answered, of partitions whose first holders are so many workers. */
export interface ReadScalingStep {
  readonly workers: number;
  /** Those that were seen to serve them. */
  readonly served: readonly NodeName[];
  readonly ok: number;
  readonly failed: number;
  readonly forMs: number;
}

export type RunEvent =
  | { readonly type: 'phase-started'; readonly phase: Phase }
  | { readonly type: 'phase-ended'; readonly phase: Phase }
  /** The first event of a run. The engine is `auto` where the servers have yet to be asked. */
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
      /** Why these two were chosen. */
      readonly reason: string;
      readonly nodes: readonly NodeInfo[];
      /** What the nodes run on, `Docker` -> `27.1`. Absent where the platform says nothing, and in older histories. */
      readonly about?: readonly { readonly name: string; readonly value: string }[];
      readonly placement: PlacementMap;
      /** Its ways to the data; that of whatever names none is the first that takes writes. Absent in older histories. */
      readonly routes?: readonly { readonly name: string; readonly access: Access }[];
    }
  /** Targets that depend on where the partitions are, known now that they are placed. */
  | { readonly type: 'targets-picked'; readonly acts: readonly PickedAct[] }
  | {
      readonly type: 'predicted';
      readonly down: readonly NodeName[];
      /** Absent where none is. */
      readonly frozen?: readonly NodeName[];
      readonly partitions: readonly PartitionPrediction[];
    }
  /** What the settings of the cluster promise for all that is lost once this act strikes; just before it does. */
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
      /** Out of which nodes they were picked; absent where the scenario names them. */
      readonly picked?: string;
      /** What the fault makes of its targets. */
      readonly effect?: NodeEffect;
      /** What its targets are meanwhile, `killed`; where it is absent, what the effect says, else the fault's name. */
      readonly state?: string;
    }
  | { readonly type: 'fault-in-effect'; readonly act: number; readonly proof: string }
  /**
   * What a fault that acts on traffic had met on each target just before it was undone, beside pgquake's own proof.
   * Where it met nothing it harmed nothing.
   */
  | {
      readonly type: 'fault-met';
      readonly act: number;
      readonly counts: Readonly<Record<NodeName, number>>;
      /** In the plural, `packets`. */
      readonly of: string;
    }
  | { readonly type: 'fault-met-failed'; readonly act: number; readonly error: string }
  | { readonly type: 'fault-failed'; readonly act: number; readonly error: string }
  | { readonly type: 'heal-asked'; readonly act: number }
  | { readonly type: 'healed'; readonly act: number; readonly proof: string }
  | { readonly type: 'heal-failed'; readonly act: number; readonly error: string }
  /** One complete read as clients read, by a route, after healing. */
  | { readonly type: 'final-read'; readonly route: string; readonly read: ReadSummary }
  /** The same, of one placement on its node. */
  | {
      readonly type: 'placement-read';
      readonly partition: string;
      readonly node: NodeName;
      /** The table on that node, quoted. Absent in older histories. */
      readonly relation?: string;
      readonly read: ReadSummary;
    }
  /**
   * A complete read after healing, made while prepared transactions stood: as clients read, or of one placement.
   * What it lacks may be acknowledged all the same; `final-read` and `placement-read` tell what is there in the end.
   */
  | {
      readonly type: 'read-in-doubt';
      /** Absent for the read as clients read; so is the table on that node, quoted. */
      readonly node?: NodeName;
      readonly partition?: string;
      readonly relation?: string;
      readonly read: ReadSummary;
    }
  /** Prepared transactions stand after the load has stopped. The engine has so long to end them. */
  | {
      readonly type: 'recovery-awaited';
      readonly preparedTransactions: readonly PreparedTransaction[];
      readonly limitMs: number;
      /** Whether the engine is asked to end what stands after that, and how long it has then. */
      readonly thenAskedForMs?: number;
    }
  /** All of them have ended, or the limit has passed. */
  | {
      readonly type: 'recovery-ended';
      readonly ended: readonly EndedTransaction[];
      readonly left: readonly PreparedTransaction[];
      readonly waitedMs: number;
      /** When the engine was asked to end what stood; absent where it did so by itself. */
      readonly askedAt?: number;
      /** Why it could not be asked. */
      readonly error?: string;
    }
  /** A read that was due and failed; the checks that need it answer `unknown`. */
  | { readonly type: 'final-read-failed'; readonly source: string; readonly error: string }
  /**
   * After the final reads of a run with faults: whether all readers of the nodes' logs have caught up and every
   * prepared transaction has ended. `left` says what has not, or could not be looked at; then `advice` what to do.
   */
  | { readonly type: 'healing-verified'; readonly left: readonly string[]; readonly advice?: string }
  /** What was left on the nodes just before the final reads. Rows of prepared transactions are not visible yet. */
  | {
      readonly type: 'leftovers';
      readonly preparedTransactions: readonly PreparedTransaction[];
      /** Still without a reader when replication had its time to come back. Absent in older histories. */
      readonly idleSlots?: readonly IdleSlot[];
    }
  /** What a person runs if the nodes that a fault takes down stay away. */
  | { readonly type: 'repair'; readonly away: readonly NodeName[]; readonly commands: readonly string[] }
  /** Whether the placements of every partition became equal, and how long that took after the load stopped. */
  | { readonly type: 'replicas-compared'; readonly agree: boolean; readonly waitedMs: number }
  /** How well the load generator kept its own schedule; the load first, then the probes. */
  | {
      readonly type: 'load-kept';
      readonly of?: 'probes';
      /** Who the messages of the load are from; lower ones are of earlier runs. Absent for probes and in older histories. */
      readonly writer?: number;
      readonly intended: number;
      /** Not sent in time, for want of the client's own connections. */
      readonly unsent: number;
      readonly latenessP99Ms: number;
      readonly latenessMaxMs: number;
      readonly eventLoopDelayMaxMs: number;
      /** When the client itself stood still for 20 ms or more, the first 1,000 times. */
      readonly stalls?: readonly { readonly fromMs: number; readonly toMs: number }[];
    }
  /** What a node says of itself to the witness, whenever that changes. It was last asked as before at `sinceMs`. */
  | {
      readonly type: 'witness-saw';
      readonly node: NodeName;
      readonly role: 'primary' | 'standby';
      /** Of a primary. */
      readonly timeline?: number;
      /** Absent in the first answer of a node. */
      readonly sinceMs?: number;
    }
  /** How often the witness has asked and written, once it has stopped. */
  | { readonly type: 'witness-kept'; readonly intended: number }
  /** The rows of the witness that a node has in the end: number of the node that acknowledged -> sequence numbers. */
  | {
      readonly type: 'witness-read';
      readonly node: NodeName;
      readonly role: 'primary' | 'standby';
      readonly timeline?: number;
      readonly present: PresentKeys;
    }
  /**
   * The rows of the probes of this run that are there in the end, as clients read them: run -> sequence numbers; and, where
   * two nodes are primaries, those that are on any of them.
   */
  | { readonly type: 'probes-read'; readonly present: PresentKeys; readonly onPrimaries?: PresentKeys }
  /** The machine that pgquake runs on, once a second. */
  | ({ readonly type: 'host' } & HostSample)
  /** What the pressure came to, from its start until the load stopped. */
  | { readonly type: 'pressure'; readonly ok: number; readonly failed: number; readonly forMs: number }
  /** What every worker served in the steady state. */
  | { readonly type: 'work-of-workers'; readonly workers: readonly WorkOfWorker[] }
  /** What all placements of all tables take, and what one copy of the same rows takes on one server. */
  | {
      readonly type: 'storage';
      readonly oneCopyBytes: number;
      readonly copies: readonly { readonly partition: string; readonly node: NodeName; readonly bytes: number }[];
    }
  | {
      readonly type: 'read-scaling';
      /** Processors that pgquake's machine offers; where the servers run too, unless it attached elsewhere. */
      readonly cores: number;
      readonly steps: readonly ReadScalingStep[];
    }
  | { readonly type: 'observation-failed'; readonly observation: Observation; readonly error: string }
  /**
   * A cluster that a killed run had left behind was removed: in the history of the run that found it, and at
   * the end of that of the killed run, whose clock had stopped; so `when` is the time of day, ISO 8601.
   */
  | {
      readonly type: 'reclaimed';
      /** Folder name of the killed run. */
      readonly of: string;
      readonly when: string;
      readonly removed: readonly string[];
      /** Undos that were still open and need not be kept any more. */
      readonly voided: readonly string[];
      /** On a cluster that stands: what shows that its nodes are well again. Absent in runs of earlier versions. */
      readonly undone?: readonly string[];
    }
  | { readonly type: 'reclaim-failed'; readonly of: string; readonly error: string }
  /** The whole load was not borne, and `--fit` goes on with a share of its rates. */
  | {
      readonly type: 'load-fitted';
      readonly share: number;
      readonly kinds: readonly { readonly name: string; readonly ratePerSecond: number }[];
    }
  /** A condition of the scenario's guards held: the faults end here, and are healed. */
  | { readonly type: 'guard-tripped'; readonly reason: string }
  /**
   * The state of a node changed, and no act of the run was under way on it. It was seen as before at `sinceMs`. A node is
   * silent where processes of it are stopped and new connections get no answer.
   */
  | {
      readonly type: 'node-changed';
      readonly node: NodeName;
      readonly from: NodeState | 'silent';
      readonly to: NodeState | 'silent';
      readonly sinceMs: number;
      /** What the platform says of it: `postmaster 4711 and its 7 other processes are gone`. */
      readonly detail: string;
    }
  /** What every node does, in a cluster whose roles move: at the start of the steady state, and whenever it has changed. */
  | { readonly type: 'roles-seen'; readonly roles: Roles }
  /** The manager replaces a primary. */
  | {
      readonly type: 'failover';
      readonly step: 'noticed' | 'elected' | 'promoted' | 'gave-up';
      readonly from: NodeName;
      readonly to?: NodeName;
      readonly detail: string;
    }
  /**
   * Every row of a node that was primary and is about to become a standby: rows that only it has are gone after that.
   * `timeline` is the one that it has written last.
   */
  | { readonly type: 'fork-read'; readonly node: NodeName; readonly timeline: number; readonly read: ReadSummary }
  | { readonly type: 'interrupted'; readonly reason: string }
  | { readonly type: 'run-failed'; readonly error: string };

export type Timed<E> = E & { readonly at: number };
export type TimedEvent = Timed<RunEvent>;
export type EventOf<T extends RunEvent['type']> = Timed<Extract<RunEvent, { readonly type: T }>>;

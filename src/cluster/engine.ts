/** The port for engines: they make nodes one replicated cluster, and say what it promises while some nodes are down. */

import { EnvironmentError, errorText, HarnessError } from '../model/errors.ts';
import type { Lost } from '../model/loss.ts';
import type { Promised } from '../model/promise.ts';
import type { MovingRole, Roles } from '../model/roles.ts';
import type { ClusterMakeup, OwnParameters } from '../model/scenario.ts';
import { predictBy, type ServiceRule } from '../model/service-rule.ts';
import type { NodeName, NodeSpec, PartitionPrediction, PlacementMap, Topology } from '../model/topology.ts';
import type { Session } from '../sql/session.ts';
import type { ClusterKeys } from './keys.ts';
import type { Manager } from './manager.ts';
import type { Capability, NodeControl, Nodes } from './platform.ts';
import type { NodePrograms } from './program.ts';
import type { Route } from './route.ts';

export interface ColumnSpec {
  readonly name: string;
  /** SQL type, `int`, `bigint`, `text`. */
  readonly type: string;
}

/** A table of the data set, distributed by its first column, an `int`. All tables are co-located. */
export interface TableSpec {
  /** `messages`; or with a schema, which the engine creates if needed: `pgquake.probes`. */
  readonly name: string;
  readonly columns: readonly ColumnSpec[];
  /** Starts with the distribution column. */
  readonly primaryKey: readonly string[];
  /** The initial rows, in the order of the columns. */
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface Dataset {
  readonly tables: readonly TableSpec[];
  /** Every value of the distribution column, for the placement map. */
  readonly partitionKeys: readonly number[];
}

/** One placement of one partition of one table, and how to read it on its node. */
export interface PlacementSource {
  readonly partition: number;
  readonly node: NodeName;
  /** The local table on that node, quoted, ready for `FROM`. */
  readonly relation: string;
}

export interface FormedCluster {
  readonly placement: PlacementMap;
  /** The routes to its data, by name. Operations without a route take the first one that accepts writes. */
  readonly routes: Readonly<Record<string, Route>>;
  /**
   * The current role of every node. Absent where roles never move.
   * @returns `unknown` for a node that does not answer.
   * @throws the signal's reason.
   */
  roles?(signal: AbortSignal): Promise<Roles>;
  /** The manager that decides roles, where they move. */
  readonly manager?: Manager;
  /**
   * Undoes a fault on a node whose role may have changed: a replaced primary comes back as a standby.
   * @returns what proves that the node is back, in words.
   * @throws EnvironmentError where the node does not follow the primary.
   */
  comeBack?(node: NodeControl, returning: Returning): Promise<string>;
  /** Counts beginnings and ends of restarts by the cluster itself: odd during such a restart of the node. */
  restarts?(node: NodeName): number;
  /** The engine's own parameters, where the engine found the cluster instead of forming it. */
  readonly own?: OwnParameters;
  /**
   * Creates the tables of a data set in an existing cluster. Absent where the engine must have formed the cluster.
   * @throws the server's error.
   */
  makeTables?(dataset: Dataset): Promise<void>;
  /** The version of the engine's extension, if it has one: `Citus 14.0.1`. */
  readonly version?: string;
  /** The placements of a distributed table, for reading each directly on its worker. */
  placementSources(table: string): readonly PlacementSource[];
  /** Nodes that each hold the whole relation, a table or query of clients. Absent where nodes hold only parts. */
  copiesOf?(relation: string): readonly PlacementSource[];
  /** Settings that let a session lock or change a placement on its worker, `citus.x` -> `on`; none by default. */
  readonly placementSettings?: Readonly<Record<string, string>>;
  /**
   * How nodes encrypt traffic between them, `sslmode=require`, which hides text from packet filters. Absent without.
   */
  readonly encrypted?: string;
  /** SQL for the number of a placement's rows that came from clients, not by replication; absent where all do. Pure. */
  takenHereSql?(relation: string): string;
  /**
   * Asks the cluster to finish now the prepared transactions that failures left on its nodes. Absent where only an
   * operator can.
   * @throws when it cannot be asked.
   */
  recover?(): Promise<void>;
  /** What an operator runs when these nodes stay down: lines for psql on the node that clients connect to. Pure. */
  repairCommands?(down: ReadonlySet<NodeName>): string[];
}

/** A node that returns after a fault. */
export interface Returning {
  /** Undoes the fault. @returns what proves it, in words. */
  undo(): Promise<string>;
  /**
   * Called before a node's data are erased, while it is readable: the last chance to read what only it has.
   * @param node whose data will be erased: the returning node, or another that has to follow it.
   * @param timeline that it wrote last.
   */
  beforeErased(node: NodeControl, timeline: number): Promise<void>;
}

export interface FormOptions {
  readonly nodes: Nodes;
  readonly topology: ClusterMakeup;
  readonly dataset: Dataset;
  readonly signal: AbortSignal;
}

export interface Engine {
  readonly name: string;
  readonly summary: string;
  /** The extension that it requires; an engine without one can form a cluster on any servers. */
  readonly extension?: string;
  /** The names and permanent roles of its nodes. @param holding how many of them hold data. Pure. */
  nodes(holding: number): readonly NodeSpec[];
  /** What users call a part of the rows: `partition`. Absent where every data node has all rows. */
  readonly partitionWord?: string;
  /** All nodes reach a node by one address. By default each may have its own address for it. */
  readonly sharesAddresses?: true;
  /** The placement, including these partition keys, if it is known before there is a cluster. Pure. */
  layout?(topology: Topology, partitionKeys: readonly number[]): PlacementMap;
  /** The programs on its nodes, if they are not plain servers that the platform starts by itself. Pure. */
  programsFor?(topology: ClusterMakeup): NodePrograms;
  /** The capabilities that it needs, besides starting and stopping nodes; none by default. */
  readonly needs?: readonly Capability[];
  /** Its own keys under `cluster:`; those of `WORKER_KEYS` by default. */
  readonly keys?: ClusterKeys;
  /** The roles that move between nodes. None by default. */
  readonly movingRoles?: readonly MovingRole[];
  /** The names of its routes. Operations without a route take the first. */
  readonly routes: readonly string[];
  /** Those of its routes that accept no writes; none by default. */
  readonly readRoutes?: readonly string[];
  /** Tables that clients create exist only on the node that they connect to. False by default. */
  readonly clientTablesStayLocal?: true;
  /** Server settings that it needs on every node. */
  readonly settings: Readonly<Record<string, string>>;
  /** More settings that follow from the topology; none by default. Pure. */
  settingsFor?(topology: Topology): Readonly<Record<string, string>>;
  /**
   * Forms one cluster from the nodes, with tables and data; returns when every placement holds its rows.
   * @throws EnvironmentError that says what to do.
   */
  form(options: FormOptions): Promise<FormedCluster>;
  /**
   * Recognises a running cluster that `form` made, or that a user set up the same way.
   * @returns `undefined` where the nodes are not a complete cluster of this engine.
   * @throws EnvironmentError when the nodes that clients connect to do not answer.
   */
  inspect(options: Omit<FormOptions, 'topology'>): Promise<FormedCluster | undefined>;
  /** The nodes in the catalogue of the server that clients connect to; none on other servers. */
  listed?(session: Session): Promise<readonly ListedNode[]>;
  /** If nodes keep their roles: which of them a partition needs. The tolerance map follows from it. */
  readonly rule?: ServiceRule;
  /** What the engine promises while some nodes are lost. Plan, `prediction`, tolerance and proof all use it. Pure. */
  expect(state: ClusterState, loss: Loss): Expectation;
}

/** A node as another node's catalogue lists it. */
export interface ListedNode {
  readonly host: string;
  readonly port: number;
  /** In the engine's own words. */
  readonly role: string;
  /** How many placements it has. */
  readonly placements: number;
}

/** What a promise depends on. */
export interface ClusterState {
  readonly placement: PlacementMap;
  /** The role of every node; by default as formed. */
  readonly roles?: Roles | undefined;
  /** The parameters of an engine that has its own keys. */
  readonly own?: OwnParameters | undefined;
}

/** What is out of service at the same time. */
export interface Loss {
  readonly down: ReadonlySet<NodeName>;
  /** None by default. */
  readonly frozen?: ReadonlySet<NodeName>;
  /** What each node has lost: the whole node, a part of it, or a connection to others. None by default. */
  readonly lost?: readonly Lost[];
}

export interface Expectation {
  /** A partition that recovers by itself counts as served; `outMs` says after how long. */
  readonly partitions: readonly PartitionPrediction[];
  /** What the cluster's settings promise for this loss, if anything. */
  readonly promise?: Promised | undefined;
}

/** An engine whose promises follow from its rule. */
type ByRule = Omit<Engine, 'rule' | 'expect'> & { readonly rule: ServiceRule };
type ByPromises = Omit<Engine, 'rule'>;

/**
 * Defines an engine. Its `form` and `inspect` then throw an EnvironmentError for any unexplained error, or the signal's
 * reason.
 */
export function defineEngine(engine: ByRule): Engine & { readonly rule: ServiceRule };
export function defineEngine(engine: ByPromises): Engine;
export function defineEngine(engine: ByRule | ByPromises): Engine {
  const expected =
    'rule' in engine
      ? ({ placement }: ClusterState, { down, frozen }: Loss) => ({
          partitions: predictBy(engine.rule, placement, down, frozen),
        })
      : engine.expect;
  return {
    ...engine,
    expect: expected,
    form: (options) =>
      explained(engine.form(options), options.signal, 'the cluster could not be formed', {
        code: 'form-failed',
        hint: 'the logs of the servers may say more',
      }),
    inspect: (options) =>
      explained(engine.inspect(options), options.signal, 'pgquake cannot find out how the cluster is formed', {
        code: 'inspect-failed',
      }),
  };
}

async function explained<T>(
  work: Promise<T>,
  signal: AbortSignal,
  what: string,
  details: { readonly code: string; readonly hint?: string },
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HarnessError) throw error;
    throw new EnvironmentError(`${what}: ${errorText(error)}`, { ...details, cause: error });
  }
}

/** The port to what makes nodes one replicated cluster, and what it promises when some are down. */

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

/** One table of the data set, distributed by its first column, an `int`: its partition key. All tables are co-located. */
export interface TableSpec {
  /** `messages`; or with a schema, which is made where it is missing: `pgquake.probes`. */
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

/** One placement of one partition of one table, and how to read it where it is. */
export interface PlacementSource {
  readonly partition: number;
  readonly node: NodeName;
  /** The local table on that node, quoted, ready for `FROM`. */
  readonly relation: string;
}

export interface FormedCluster {
  readonly placement: PlacementMap;
  /** The ways to its data, by name. The first that takes writes is the way of whatever names none. */
  readonly routes: Readonly<Record<string, Route>>;
  /**
   * What every node does now. Missing where roles never move.
   * @returns a node that does not answer as `unknown`; ends with the signal's reason.
   */
  roles?(signal: AbortSignal): Promise<Roles>;
  /** Who decides roles, where they move. */
  readonly manager?: Manager;
  /**
   * Takes what a fault did to a node back where the node may have to return as another than it was: an old primary
   * comes back as a standby, once another node has taken its place.
   * @returns what shows that it is back, in words.
   * @throws EnvironmentError where it does not follow the primary.
   */
  comeBack?(node: NodeControl, returning: Returning): Promise<string>;
  /**
   * How often this cluster has begun or ended to stop and start a node by itself, so an odd number while it does: nobody
   * else did that.
   */
  restarts?(node: NodeName): number;
  /** What its engine would have read of its own keys, where the cluster was found and not formed. */
  readonly own?: OwnParameters;
  /**
   * Makes the tables of a data set in a cluster that was found. Missing where the engine has to have formed it.
   * @throws the server's error.
   */
  makeTables?(dataset: Dataset): Promise<void>;
  /** The engine's own version, where it has one beside the server's: `Citus 14.0.1`. */
  readonly version?: string;
  /** Where each placement of a distributed table lies, for reading it directly on its worker. */
  placementSources(table: string): readonly PlacementSource[];
  /**
   * Where a node has all that clients see: on each of them a table that they made, or a query in its place, can be read
   * as it stands. Missing where nodes have parts alone.
   */
  copiesOf?(relation: string): readonly PlacementSource[];
  /**
   * What a session on a worker must set to lock or change a placement itself, `citus.x` -> `on`; nothing by default.
   * Without it an engine may guard them from everybody but itself.
   */
  readonly placementSettings?: Readonly<Record<string, string>>;
  /** How the nodes' traffic with each other is encrypted, `sslmode=require`: no packet filter finds a text in it. Absent where it is not. */
  readonly encrypted?: string;
  /**
   * A statement whose one value is how many rows of a placement its node took from clients, and not from another
   * node that replicates to it. Pure. Where it is missing, every row written on a node came from a client.
   */
  takenHereSql?(relation: string): string;
  /**
   * Asks the cluster to end, now, what failures left prepared on its nodes. Missing where only a person can.
   * @throws when it cannot be asked.
   */
  recover?(): Promise<void>;
  /** What a person runs when these nodes stay away; lines for psql where clients connect to. Pure. */
  repairCommands?(down: ReadonlySet<NodeName>): string[];
}

/** A node that returns after a fault. */
export interface Returning {
  /** Takes back what was done to it. @returns what shows it, in words. */
  undo(): Promise<string>;
  /**
   * Called before its data are erased, while it can be read and takes no writes: what it alone has is gone after that.
   * @param node whose data they are: that one, or another that has to follow it.
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
  /** The extension that it cannot do without; an engine without one can be formed on any servers. */
  readonly extension?: string;
  /** Its nodes, of which so many hold data: what they are called, and what they are for good. Pure. */
  nodes(holding: number): readonly NodeSpec[];
  /** What people call a part of the rows: `partition`. Absent where rows are not divided: every node with data has all. */
  readonly partitionWord?: string;
  /** Its nodes know each node by one address, whoever asks; by default each is told its own. */
  readonly sharesAddresses?: true;
  /**
   * Where everything will be, with the partitions of these partition keys, before there is a cluster. Missing where only the
   * cluster itself can tell. Pure.
   */
  layout?(topology: Topology, partitionKeys: readonly number[]): PlacementMap;
  /** What runs on its nodes, where that is no server that the platform starts by itself. Pure. */
  programsFor?(topology: ClusterMakeup): NodePrograms;
  /** What it needs of the nodes beside starting and stopping them; nothing by default. */
  readonly needs?: readonly Capability[];
  /** Its own keys under `cluster:`; those of `WORKER_KEYS` by default. */
  readonly keys?: ClusterKeys;
  /** The roles that move from node to node in it. None by default. */
  readonly movingRoles?: readonly MovingRole[];
  /** The names of its routes, that of whatever names none first. */
  readonly routes: readonly string[];
  /** Those of its routes that take no writes; none by default. */
  readonly readRoutes?: readonly string[];
  /** Tables that clients make are on the node that they connect to: no other has anything of them. False by default. */
  readonly clientTablesStayLocal?: true;
  /** Settings that every server needs for it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Settings beside them that follow from the topology; none by default. Pure. */
  settingsFor?(topology: Topology): Readonly<Record<string, string>>;
  /**
   * Makes the nodes one cluster, with tables and data; returns when every placement holds its rows.
   * @throws EnvironmentError with what to do.
   */
  form(options: FormOptions): Promise<FormedCluster>;
  /**
   * Finds again what `form` made, or what somebody else has set up alike, in nodes that stand; those that clients connect
   * to have to answer.
   * @returns `undefined` where the nodes are no cluster of this engine, or not to the end.
   * @throws EnvironmentError when they do not answer.
   */
  inspect(options: Omit<FormOptions, 'topology'>): Promise<FormedCluster | undefined>;
  /** Nodes of a cluster of somebody else's, as the catalogue of the server that clients connect to has them; none elsewhere. */
  listed?(session: Session): Promise<readonly ListedNode[]>;
  /** Of an engine whose nodes keep their roles: what it needs of them to serve a partition. The map of tolerance follows from it. */
  readonly rule?: ServiceRule;
  /** What it promises while some nodes are lost: the one rule behind plan, `prediction`, tolerance and proof. Pure. */
  expect(state: ClusterState, loss: Loss): Expectation;
}

/** A node as the catalogue of another one has it. */
export interface ListedNode {
  readonly host: string;
  readonly port: number;
  /** In the engine's own words. */
  readonly role: string;
  /** How many parts of tables it has. */
  readonly placements: number;
}

/** What a promise depends on. */
export interface ClusterState {
  readonly placement: PlacementMap;
  /** What every node does; by default as it was formed. */
  readonly roles?: Roles | undefined;
  /** Of an engine with keys of its own: what it read of them. */
  readonly own?: OwnParameters | undefined;
}

/** What is out of service together. */
export interface Loss {
  readonly down: ReadonlySet<NodeName>;
  /** None by default. */
  readonly frozen?: ReadonlySet<NodeName>;
  /** What each node has lost, where that matters: a node, a part of it, a way to others. None by default. */
  readonly lost?: readonly Lost[];
}

export interface Expectation {
  /** Whatever is served again by itself counts as served, from `outMs` on. */
  readonly partitions: readonly PartitionPrediction[];
  /** What its settings promise for what is lost; absent where nothing is, and of an engine whose settings promise nothing. */
  readonly promise?: Promised | undefined;
}

/** An engine whose promises follow from its rule. */
type ByRule = Omit<Engine, 'rule' | 'expect'> & { readonly rule: ServiceRule };
type ByPromises = Omit<Engine, 'rule'>;

/**
 * An engine as its file writes it down. Whatever its servers answer that the file does not explain itself becomes an
 * EnvironmentError; an interrupted call ends with the reason of its signal.
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
      explained(engine.inspect(options), options.signal, 'the cluster cannot be asked how it is formed', {
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

/**
 * The port for platforms, which create and break nodes. They know nothing of partitions, scenarios or faults; a fault
 * acts on nodes only through `NodeControl`.
 */

import type { Address } from '../model/address.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { Inventory } from '../model/inventory.ts';
import type { NodePart } from '../model/loss.ts';
import type { NodeName, NodeSpec, NodeState } from '../model/topology.ts';
import type { Session } from '../sql/session.ts';
import type { NodePrograms } from './program.ts';
import type { Route } from './route.ts';

/** What a platform can do to a node. A fault lists what it needs, so that pgquake can refuse before the run. */
export type Capability =
  | 'node-stop'
  | 'node-kill'
  | 'node-pause'
  | 'backend-kill'
  | 'network-disconnect'
  | 'network-rules'
  | 'network-bandwidth'
  | 'network-latency'
  | 'resource-limits'
  | 'disk-full'
  | 'data-copy'
  | 'node-programs'
  | 'node-parts';

export type { NodeState } from '../model/topology.ts';

/** The acts on one node. Each returns when it is done, or throws an `EnvironmentError`. */
export interface NodeControl {
  readonly name: NodeName;
  /** The address by which pgquake reaches the node. It may change when the node restarts, so ask every time. */
  address(): Address;
  /**
   * Updates the address, which foreign restarts change. Absent where only pgquake does. Called every second or more
   * often, so it must be cheap.
   */
  locate?(): Promise<void>;
  /** The address by which the node `from` reaches it. It may change too. */
  peerAddress(from: NodeName): Address;
  /** The current state, as the operating system or the container engine reports it. */
  state(): Promise<NodeState>;
  /** When its container or process started; another value means a restart. Absent where only pgquake starts it. */
  startedAt?(): Promise<string>;
  /** How many processes a signal has stopped, as `kill -STOP` does; 0 where the whole node is paused or stopped. */
  stoppedProcesses(): Promise<number>;
  /** The evidence for that state, for a report: `process 4711 and 12 children are gone`. */
  describeState(): Promise<string>;
  /** Orderly shutdown (SIGINT to the postmaster, `docker stop`), with escalation to a kill after 10 s. */
  stop(): Promise<void>;
  /** SIGKILL to the server and all its processes at once. */
  kill(): Promise<void>;
  /** Freezes the server and all its processes (SIGSTOP, `docker pause`). */
  pause(): Promise<void>;
  /** Undoes `pause`. Harmless on a node that is not paused. */
  resume(): Promise<void>;
  /**
   * Undoes `stop` and `kill`. Returns when the process runs, maybe before it accepts SQL. Harmless on a running node.
   */
  start(): Promise<void>;
  /** Why this node lacks a capability of its platform, in words, if so. Absent where all its nodes are alike. */
  lacks?(capability: Capability): Promise<string | undefined>;
  /** The commands that do and undo an act, as an operator would type them. Absent where pgquake created the nodes. */
  commands?(capability: Capability): ActCommands;
  /** pgquake can only tell whether it answers; the user breaks it by hand. False by default. */
  readonly byConnectionAlone?: true;
  /** As `address`, for another of its ports. Present where the platform has the capability `node-programs`. */
  addressAt?(port: number): Address;
  /** Why it does not serve now, in words, if so. Absent for PostgreSQL servers, which pgquake checks by SQL. */
  readonly health?: ((limitMs: number) => Promise<string | undefined>) | undefined;
  /** Present where the platform has the capability `backend-kill`. */
  readonly backends?: NodeBackends;
  /** Present where the platform has the capability `node-parts`, on nodes with an agent. */
  readonly parts?: NodeParts | undefined;
  /** Present where the platform has the capability `network-disconnect`. */
  readonly attachments?: NodeAttachments;
  /** Present where the platform has the capability `network-rules`. */
  readonly network?: NodeNetwork;
  /** Present where the platform has the capability `resource-limits`. */
  readonly resources?: NodeResources;
  /** Present where the platform has the capability `disk-full`. */
  readonly disk?: NodeDisk;
  /** Present where the platform has the capability `data-copy`. */
  readonly data?: NodeData;
}

export interface ActCommands {
  readonly act: string;
  readonly undo?: string;
  /** Started before the act: undoes it when pgquake has been silent for a while. */
  readonly switch?: string;
}

/** One process of a part of a node. */
export interface PartProcess {
  readonly pid: number;
  /** The kernel's state letter: `T` if a signal has stopped it; with any other it can run. */
  readonly state: string;
}

/**
 * Parts of a node. `server`: all of PostgreSQL. `postmaster`: its listening process. `agent`: the manager's process.
 */
export interface NodeParts {
  /** Its processes, as the kernel lists them now; none where it is not running. */
  seen(part: Exclude<NodePart, 'node'>): Promise<readonly PartProcess[]>;
  /**
   * SIGKILL to all its processes at once.
   * @returns the processes.
   * @throws EnvironmentError where it is not running.
   */
  kill(part: Exclude<NodePart, 'node'>): Promise<readonly PartProcess[]>;
  /** SIGSTOP to all its processes; the other parts continue. @throws EnvironmentError where it is not running. */
  freeze(part: Exclude<NodePart, 'node'>): Promise<readonly PartProcess[]>;
  /** Undoes `freeze`. Harmless where nothing is stopped. */
  thaw(part: Exclude<NodePart, 'node'>): Promise<void>;
  /** Undoes `kill` of the agent; returns when it accepts connections. Harmless where it does already. */
  startAgent(): Promise<void>;
}

/** The files in the data folder of a stopped server. */
export interface NodeData {
  /**
   * Replaces them with a copy of another node's files. Keeps its own settings and address; does not copy slots.
   * @param source may be running: then the caller brackets the copy as an online backup.
   * @throws EnvironmentError where it cannot be copied.
   */
  copyFrom(source: NodeControl): Promise<void>;
  /**
   * Rewinds them to another node's history with `pg_rewind`, which also copies settings and slots. Absent without it.
   * @param source is running.
   * @returns why it failed, in the program's words, if so: then the files must be replaced.
   */
  rewind?(source: NodeControl): Promise<string | undefined>;
  /** Writes files in that folder, by name; removes those whose text is `undefined`. */
  write(files: Readonly<Record<string, string | undefined>>): Promise<void>;
}

/** The file system with the data of a node. */
export interface NodeDisk {
  /** Why it must not be filled, in words: it is not a file system of limited size; `undefined` where it may be. */
  refusal(): Promise<string | undefined>;
  /**
   * Fills it with one file that carries the mark; always leaves a reserve.
   * @param share of its size, from 0 to 1.
   * @throws EnvironmentError where it must not be filled, or is already that full.
   */
  fill(mark: string, share: number): Promise<void>;
  /** Its current space; the node must be running. */
  seen(): Promise<DiskSpace>;
  /**
   * Removes the file with the mark, even from a stopped node. Harmless where there is none.
   * @returns its size.
   * @throws EnvironmentError where the space is not free afterwards.
   */
  free(mark: string): Promise<number>;
}

export interface DiskSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** Limits in the platform's own terms, to restore later; a JSON value. */
export type Limits = Readonly<Record<string, number>>;

/** How much of the machine a node may use. */
export interface NodeResources {
  limits(): Promise<Limits>;
  /** @param share of one processor, 0.1 for a tenth. */
  limitCpu(share: number): Promise<void>;
  /** @throws EnvironmentError where the node is using more now. */
  limitMemory(bytes: number): Promise<void>;
  /** Restores limits that `limits` returned. Harmless where they are in force. */
  restore(limits: Limits): Promise<void>;
  /** The limits in force, as the kernel reports them inside the node. */
  seen(): Promise<SeenLimits>;
  /** The kernel's counters of the node, read from outside, so that its limits do not delay the answer. */
  usage(): Promise<Usage>;
}

export interface Usage {
  /** The configured limit, in shares of one processor; infinite without one. */
  readonly cpuShare: number;
  /** How many processors it can use: the machine's, or fewer if limited. */
  readonly processors: number;
  /** In use, cached files included. */
  readonly memoryBytes: number;
  /** The configured limit; infinite without one. */
  readonly memoryLimitBytes: number;
  /** How often the kernel has throttled the node so far. */
  readonly throttled: number;
  /** The lowest memory limit that the kernel accepts: used memory that it cannot reclaim. 0 where it accepts any. */
  readonly leastMemoryBytes: number;
}

export interface SeenLimits {
  /** Of one processor; infinite without a limit. */
  readonly cpuShare: number;
  /** Infinite without a limit. */
  readonly memoryBytes: number;
}

/** One network that a node is in, with everything needed to attach it again; a JSON value. */
export type Attachment = Readonly<Record<string, unknown>>;

/** The networks that a node is in. */
export interface NodeAttachments {
  list(): Promise<readonly Attachment[]>;
  detach(): Promise<void>;
  /** Undoes `detach`. Harmless on a node that is in these networks. */
  attach(attachments: readonly Attachment[]): Promise<void>;
}

/** What happens to packets between a node and its peers. */
export interface PacketRule {
  /** As the node sees it: `in` arrives at the node, `out` leaves it. */
  readonly direction: 'in' | 'out';
  /** The other end, as this node reaches it. Everyone by default, including pgquake and its load. */
  readonly peer?: Address;
  /** `drop`: the packet vanishes. `reset`: it vanishes, and its sender gets a connection reset. */
  readonly verdict: 'drop' | 'reset';
  /** The share of packets affected, from 0 to 1; all by default. */
  readonly share?: number;
  /** Only packets that contain this text, byte for byte. */
  readonly text?: string;
  /** Only packets of open connections. False by default. */
  readonly established?: boolean;
  /** Not packets from this port: the answers of a server. Of no use where a reset reaches both ends. */
  readonly exceptFrom?: number;
}

export interface Shaping {
  /** Limit for outgoing traffic. */
  readonly bytesPerSecond?: number;
  /** Delay of outgoing traffic, give or take the jitter. */
  readonly delayMs?: number;
  readonly jitterMs?: number;
}

/** The traffic of a node. pgquake marks every rule that it adds, and reads and removes only marked ones. */
export interface NodeNetwork {
  addRules(mark: string, rules: readonly PacketRule[]): Promise<void>;
  /** Whether a rule that resets also counts new connections that it refuses; if not, only packets of open ones. */
  readonly countsRefusals: boolean;
  /** How many packets each rule with the mark has matched so far, in no order. */
  rulesOf(mark: string): Promise<readonly number[]>;
  /** Harmless where there are none. @returns how many packets they had matched. */
  removeRules(mark: string): Promise<number>;
  /** @throws EnvironmentError where the traffic is already shaped. */
  shape(mark: string, shaping: Shaping): Promise<void>;
  /** The shaping with the mark as the system describes it; `undefined` where there is none. */
  shapingOf(mark: string): Promise<string | undefined>;
  /** How many packets the shaping with the mark has forwarded so far; 0 where there is none. */
  packetsShaped(mark: string): Promise<number>;
  /** Undoes `shape`. Harmless where there is none with the mark. */
  unshape(mark: string): Promise<void>;
  /**
   * Tries to connect from the node to another node's server.
   * @returns why it failed; `undefined` where it succeeded.
   */
  connectTo(peer: Address, limitMs: number): Promise<string | undefined>;
}

/** The server's own processes, by the id that PostgreSQL uses (`pg_backend_pid()`). */
export interface NodeBackends {
  /**
   * SIGKILL to one of them.
   * @throws EnvironmentError where the server has no such process; then nothing is killed.
   */
  kill(pid: number): Promise<void>;
}

export interface ProvisionOptions {
  readonly nodes: readonly NodeSpec[];
  /** Server settings that the engine needs on every node, `wal_level` -> `logical`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Programs to run on the nodes instead of plain servers; none by default. */
  readonly programs?: NodePrograms;
  /** Nodes whose data need a file system of limited size that may be filled; none by default. */
  readonly sizedData?: readonly NodeName[];
  /** The folder for the nodes' logs, and for what must survive a crash of pgquake. */
  readonly runFolder: string;
  /** Capabilities that faults will need; none by default. Only for these it sets up costly parts, such as relays. */
  readonly needs?: ReadonlySet<Capability>;
  readonly signal: AbortSignal;
  /** Called with progress of slow steps, such as the download of an image. */
  readonly onProgress?: (line: string) => void;
}

export interface Nodes {
  /** The PostgreSQL servers, in the requested order; found ones in the order of their names. */
  readonly all: readonly NodeControl[];
  /** For a user's nodes: what a run may add to them, and other routes of clients. */
  readonly attached?: AttachedExtras;
  /** Other nodes: members of a DCS, proxies, poolers. None by default. */
  readonly beside?: readonly NodeControl[];
  /** Removes every process, port and folder of these nodes, in any state. Harmless twice. */
  dispose(): Promise<void>;
}

/** What a cluster of an inventory has besides its nodes. */
export interface AttachedExtras {
  /** The address of its manager, if the inventory names one: the REST API of Patroni. */
  readonly manager?: string | undefined;
  /** Further routes of clients, by name. */
  readonly routes: Readonly<Record<string, Route>>;
  /**
   * Creates pgquake's schema, on a session that accepts writes. Disposing of the nodes drops it.
   * @throws EnvironmentError where it exists already.
   */
  makeOwnSchema(session: Session): Promise<void>;
}

/** The file in a run's folder that names its cluster. It exists as long as the cluster does, and holds no password. */
export const CLUSTER_FILE = 'cluster.json';

/** What `reclaim` did with the cluster of a run that ended without removing it. */
export interface Reclaimed {
  /** Who is using it, in words; set where it was left alone for that reason. */
  readonly inUseBy?: string;
  /** What was removed, in words: `worker1: postmaster 4711 and 12 other processes`. */
  readonly removed: readonly string[];
  /**
   * Set where the run had attached: the nodes on which the caller must undo what the run owes. Disposing of them only
   * removes `cluster.json`.
   */
  readonly standing?: Nodes;
}

export interface StandingOptions {
  /** Its name, `citus`: the Compose project. */
  readonly project: string;
  readonly signal: AbortSignal;
}

export interface AttachOptions {
  /** Whether nodes with these names can be a complete cluster; by default any can. */
  readonly isWhole?: ((names: readonly NodeName[]) => boolean) | undefined;
  /** The folder of a run that will break nodes, for `cluster.json`, so that pgquake can undo its acts after a crash. */
  readonly runFolder?: string | undefined;
}

export interface UpOptions extends StandingOptions {
  readonly nodes: readonly NodeSpec[];
  /** For every server, besides the platform's own. */
  readonly settings: Readonly<Record<string, string>>;
  /** The folder for its Compose file and its password file; a missing Compose file is written. */
  readonly folder: string;
  /** Called with progress of slow steps. */
  readonly onProgress: (line: string) => void;
}

export interface LogOptions extends StandingOptions {
  /** All nodes where none is named. */
  readonly node?: NodeName;
  /** Whether to keep printing new lines until the signal is aborted. */
  readonly follow: boolean;
  /** At most this many earlier lines of each node. */
  readonly lines: number;
  readonly onLine: (node: NodeName, line: string) => void;
}

/** A program to run, with variables to add to this process's environment. */
export interface Invocation {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Clusters that keep running between runs. pgquake touches only what has the cluster's mark, and refuses anything else
 * that is in the way.
 */
export interface StandingClusters {
  /**
   * Creates or starts a cluster; returns when every node accepts SQL. Harmless on a running one.
   * @throws EnvironmentError that says what to do.
   */
  up(options: UpOptions): Promise<Nodes>;
  /**
   * Attaches to a cluster, whatever state its nodes are in. Disposing of it removes nothing.
   * @throws EnvironmentError with the code `no-such-project` where there is none.
   */
  attach(project: string, options?: AttachOptions): Promise<Nodes>;
  /**
   * Stops and removes a cluster. Harmless where there is none.
   * @param options.volumes also removes its data, and their password in `folder`.
   * @returns what was removed, in words.
   */
  down(options: StandingOptions & { readonly folder: string; readonly volumes: boolean }): Promise<string[]>;
  /** Restarts all nodes; returns when every node accepts SQL. */
  restart(options: StandingOptions): Promise<Nodes>;
  /** The command that runs psql on a node. */
  shell(
    project: string,
    options: { readonly node: NodeName; readonly args: readonly string[]; readonly terminal: boolean },
  ): Promise<Invocation>;
  logs(options: LogOptions): Promise<void>;
}

/** A fact for the report about where the nodes ran. */
export interface Fact {
  /** `Docker`. */
  readonly name: string;
  readonly value: string;
}

export interface Platform {
  readonly name: string;
  readonly summary: string;
  /** What the nodes run on, besides pgquake's machine: a container engine, an image; nothing by default. */
  about?(nodes: readonly NodeControl[]): Promise<readonly Fact[]>;
  /** What it can do if the machine allows it. */
  readonly capabilities: ReadonlySet<Capability>;
  /**
   * Whether a capability can be used here, since it may depend on the kernel or an image.
   * @returns `undefined` if so, else the reason, and what would be needed.
   */
  lacking?(capability: Capability): Promise<string | undefined>;
  /** Capabilities that tell nodes apart by the addresses at which they reach each other. */
  readonly byAddress?: ReadonlySet<Capability>;
  /**
   * Whether it can be used here.
   * @param needs capabilities that the cluster will need; none by default.
   * @param programs the programs of its nodes, if they are not plain servers.
   * @returns `undefined` if so, else the reason, and what to do where that is known.
   */
  unavailable(
    needs?: readonly Capability[],
    programs?: Pick<NodePrograms, 'requires'>,
  ): Promise<EnvironmentError | undefined>;
  /** It brings an engine's programs in known versions, so pgquake tries it first. False by default. */
  readonly bringsPrograms?: true;
  /** A node that is down refuses connections at once, instead of being silent or unresolvable for seconds. */
  readonly refusesWhenDown?: true;
  /** Present where clusters can keep running between runs. */
  readonly standing?: StandingClusters;
  /**
   * Whether its servers have an extension, such as `citus`. Creates no cluster.
   * @param onProgress called with progress while the servers' image is downloaded.
   */
  offers(extension: string, onProgress: (line: string) => void): Promise<boolean>;
  /**
   * Creates and starts all of these nodes; returns when every server accepts SQL. Leaves nothing behind when it fails
   * or is aborted.
   * @throws EnvironmentError that says what to do.
   */
  provision(options: ProvisionOptions): Promise<Nodes>;
  /**
   * Removes the cluster that `cluster.json` in a run's folder names, then that file; not while its pgquake is running.
   * Returns the nodes instead if the run had attached to them. Harmless twice.
   * @param options.force also where it cannot tell whether that pgquake is running. False by default.
   * @throws EnvironmentError that says what is left and what to do.
   */
  reclaim(runFolder: string, options?: { readonly force?: boolean }): Promise<Reclaimed>;
}

/** A container of a user's Compose project. It may be a server or anything else. */
export interface FoundContainer {
  /** Its service in the Compose file, and its number among that service's containers, from 1. */
  readonly service: string;
  readonly number: number;
  readonly container: string;
  /** Where its ports are published on this machine. */
  readonly ports: readonly { readonly host: string; readonly port: number }[];
  /** The server's user and database, if its environment names them. */
  readonly user?: string | undefined;
  readonly database?: string | undefined;
}

/** A platform whose nodes exist already, as an inventory describes them. It creates none. */
export interface InventoryPlatform extends Platform {
  /**
   * Attaches to all nodes, whatever state they are in. Disposing of them drops pgquake's schema, and removes nothing
   * else.
   * @param options.runFolder of a run that will break nodes, as in `AttachOptions`. Absent for callers that write
   * nothing.
   * @throws InputError where a password or file named in the inventory cannot be read; EnvironmentError where a
   * container does not exist, or its node's connection string leads elsewhere.
   */
  attach(inventory: Inventory, options?: { readonly runFolder?: string | undefined }): Promise<Nodes>;
  /**
   * The running containers of a Compose project.
   * @throws EnvironmentError where it has none.
   */
  containersOf(project: string): Promise<readonly FoundContainer[]>;
}

/** All nodes that a fault may strike or an undo may concern. */
export function everyNode({ all, beside = [] }: Pick<Nodes, 'all' | 'beside'>): readonly NodeControl[] {
  return [...all, ...beside];
}

export function noSuchBackend(node: NodeName, pid: number): EnvironmentError {
  return new EnvironmentError(`${node}: its server has no process ${pid}`, { code: 'no-such-backend' });
}

/** For a fault that needs more than the node's platform can do; usually `choose` refuses that before the run. */
export function without(node: NodeName, capability: Capability): never {
  throw new EnvironmentError(`${node}: its platform lacks ${capability}`, { code: 'capability-missing' });
}

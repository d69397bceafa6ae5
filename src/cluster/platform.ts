/**
 * The port to where nodes run. A platform makes nodes and breaks them; it knows nothing of partitions,
 * scenarios or faults. Faults reach nodes through `NodeControl` alone and never see a platform.
 */

import type { Address } from '../model/address.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { Inventory } from '../model/inventory.ts';
import type { NodePart } from '../model/loss.ts';
import type { NodeName, NodeSpec, NodeState } from '../model/topology.ts';
import type { Session } from '../sql/session.ts';
import type { NodePrograms } from './program.ts';
import type { Route } from './route.ts';

/** What a platform can do to a node; a fault names what it needs, so that a plan can refuse early. */
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

/** The acts on one node. Each returns when the act is done and throws an `EnvironmentError` if it cannot be. */
export interface NodeControl {
  readonly name: NodeName;
  /** As pgquake reaches it. May change when the node restarts, so ask every time. */
  address(): Address;
  /**
   * Looks again where it is reached: someone else may have restarted it. Absent where the address changes by pgquake's
   * own acts alone. Called once a second and more often while nothing answers, so it must be cheap.
   */
  locate?(): Promise<void>;
  /** As the node `from` reaches it. May change likewise. */
  peerAddress(from: NodeName): Address;
  /** The state as the operating system or the container engine tells it now. */
  state(): Promise<NodeState>;
  /**
   * When the container, or whatever the server runs in, was started: another value says that it was started anew. Absent
   * where nobody but pgquake starts it.
   */
  startedAt?(): Promise<string>;
  /**
   * How many of its processes are stopped by a signal, as a debugger or `kill -STOP` does it; 0 where the node as a whole
   * is paused or stopped.
   */
  stoppedProcesses(): Promise<number>;
  /** What that state rests on, for a report: `process 4711 and 12 children are gone`. */
  describeState(): Promise<string>;
  /** Orderly shutdown (SIGINT to the postmaster, `docker stop`), with escalation to a kill after 10 s. */
  stop(): Promise<void>;
  /** SIGKILL to the server and all its processes at once. */
  kill(): Promise<void>;
  /** Freezes the server and all its processes (SIGSTOP, `docker pause`). */
  pause(): Promise<void>;
  /** Undoes `pause`. Harmless on a node that is not paused. */
  resume(): Promise<void>;
  /** Undoes `stop` and `kill`: returns when the process runs, not when it accepts SQL. Harmless on a running node. */
  start(): Promise<void>;
  /**
   * Why it cannot be broken in a way that its platform knows, in words, and what would be needed; `undefined` where it can.
   * Absent where all nodes of the platform are alike.
   */
  lacks?(capability: Capability): Promise<string | undefined>;
  /** What such an act runs, and what undoes it, as a person would type it. Absent where nodes are the run's own. */
  commands?(capability: Capability): ActCommands;
  /** Nothing tells its state but whether it answers: what befalls it is its people's doing. False by default. */
  readonly byConnectionAlone?: true;
  /** As `address`, at another of its ports. Present where the platform has the capability `node-programs`. */
  addressAt?(port: number): Address;
  /**
   * Of a node that is no PostgreSQL server: why it does not serve now, in words; `undefined` where it does. Absent for servers,
   * which are asked by SQL.
   */
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
  /** What is started before the act, and undoes it once pgquake has not been heard of for a while. */
  readonly switch?: string;
}

/** One process of a part of a node. */
export interface PartProcess {
  readonly pid: number;
  /** As the kernel says it: `T` where it is stopped by a signal, anything else where it can run. */
  readonly state: string;
}

/**
 * What runs on a node beside each other. `server`: all of PostgreSQL. `postmaster`: of that, the process that accepts
 * connections. `agent`: the manager's own process.
 */
export interface NodeParts {
  /** Its processes as the kernel has them now; none where it does not run. */
  seen(part: Exclude<NodePart, 'node'>): Promise<readonly PartProcess[]>;
  /**
   * SIGKILL to all of them at once.
   * @returns which they were. @throws EnvironmentError where it does not run.
   */
  kill(part: Exclude<NodePart, 'node'>): Promise<readonly PartProcess[]>;
  /** SIGSTOP to all of them; the rest goes on. @throws EnvironmentError where it does not run. */
  freeze(part: Exclude<NodePart, 'node'>): Promise<readonly PartProcess[]>;
  /** Undoes `freeze`. Harmless where nothing is stopped. */
  thaw(part: Exclude<NodePart, 'node'>): Promise<void>;
  /** Undoes `kill` of the agent; returns when it takes connections. Harmless where it does. */
  startAgent(): Promise<void>;
}

/** The files of a server that does not run, in the folder of its data. */
export interface NodeData {
  /**
   * Replaces all of them by a copy of another node's; its own settings and address stay, slots are not copied.
   * @param source may run: then the caller brackets the copy as an online backup.
   * @throws EnvironmentError where it cannot be copied.
   */
  copyFrom(source: NodeControl): Promise<void>;
  /**
   * Takes back what they alone have since their history parted from that of another node, with `pg_rewind`; settings and
   * slots come from there too. Absent where a platform has no such program.
   * @param source runs.
   * @returns why they could not be, in the program's words: then they have to be replaced. `undefined` where they were.
   */
  rewind?(source: NodeControl): Promise<string | undefined>;
  /** Writes files in that folder, by their names; removes those without a text. */
  write(files: Readonly<Record<string, string | undefined>>): Promise<void>;
}

/** The file system with the data of a node. */
export interface NodeDisk {
  /** Why it must not be filled, in words: it is not of a size of its own. */
  refusal(): Promise<string | undefined>;
  /**
   * Fills it with one file that carries the mark; a reserve is always left.
   * @param share of its size, from 0 to 1.
   * @throws EnvironmentError where it must not be filled, or is as full already.
   */
  fill(mark: string, share: number): Promise<void>;
  /** As the system tells it now; the node has to run. */
  seen(): Promise<DiskSpace>;
  /**
   * Removes the file with the mark, also of a node that does not run. Harmless where there is none.
   * @returns its size.
   * @throws EnvironmentError where the space is not free afterwards.
   */
  free(mark: string): Promise<number>;
}

export interface DiskSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** Limits as the platform knows them, to be put back; as JSON. */
export type Limits = Readonly<Record<string, number>>;

/** How much of the machine a node may use. */
export interface NodeResources {
  limits(): Promise<Limits>;
  /** @param share of one processor, 0.1 for a tenth. */
  limitCpu(share: number): Promise<void>;
  /** @throws EnvironmentError where the node needs more at this moment. */
  limitMemory(bytes: number): Promise<void>;
  /** Puts limits back as `limits` gave them. Harmless where they are so. */
  restore(limits: Limits): Promise<void>;
  /** What is in force as the kernel tells it, seen from within the node. */
  seen(): Promise<SeenLimits>;
  /** What the kernel counts of the node, asked from outside: however little the node may use, the answer comes at once. */
  usage(): Promise<Usage>;
}

export interface Usage {
  /** What the node may use of one processor, as its limit was set; infinite without one. */
  readonly cpuShare: number;
  /** How many processors it can use: those of the machine, or fewer by its limit. */
  readonly processors: number;
  /** In use, cached files included. */
  readonly memoryBytes: number;
  /** What the node may use of memory, as its limit was set; infinite without one. */
  readonly memoryLimitBytes: number;
  /** How often the node has had to wait for its share of a processor so far. */
  readonly throttled: number;
  /** The kernel refuses to limit memory to less: what is in use and cannot be taken back. 0 where it takes any limit. */
  readonly leastMemoryBytes: number;
}

export interface SeenLimits {
  /** Of one processor; infinite without a limit. */
  readonly cpuShare: number;
  /** Infinite without a limit. */
  readonly memoryBytes: number;
}

/** One network that a node is in, with all that it takes to put it there again; as JSON. */
export type Attachment = Readonly<Record<string, unknown>>;

/** The networks that a node is in. */
export interface NodeAttachments {
  list(): Promise<readonly Attachment[]>;
  detach(): Promise<void>;
  /** Undoes `detach`. Harmless on a node that is in these networks. */
  attach(attachments: readonly Attachment[]): Promise<void>;
}

/** What happens to packets between a node and others. */
export interface PacketRule {
  /** As the node sees it: `in` comes to it, `out` comes from it. */
  readonly direction: 'in' | 'out';
  /** The other end, as this node reaches it; everybody where it is left out, pgquake and its load too. */
  readonly peer?: Address;
  /** - `drop`: it vanishes. `reset`: it vanishes, and its sender is told that the connection does not exist. */
  readonly verdict: 'drop' | 'reset';
  /** Which share of them, from 0 to 1; all by default. */
  readonly share?: number;
  /** Only packets that contain this text, byte by byte. */
  readonly text?: string;
  /** Only packets of connections that are open already. False by default. */
  readonly established?: boolean;
}

export interface Shaping {
  /** What leaves the node, at most. */
  readonly bytesPerSecond?: number;
  /** What leaves the node is late by so much, give or take the jitter. */
  readonly delayMs?: number;
  readonly jitterMs?: number;
}

/**
 * The traffic of a node. Everything that is added carries a mark, and only what carries it is looked at or
 * taken away: rules of somebody else's stay as they are.
 */
export interface NodeNetwork {
  addRules(mark: string, rules: readonly PacketRule[]): Promise<void>;
  /** How many packets each rule with the mark has met so far, in no order. */
  rulesOf(mark: string): Promise<readonly number[]>;
  /** Harmless where there is none. @returns how many packets they had met. */
  removeRules(mark: string): Promise<number>;
  /** @throws EnvironmentError where the traffic is shaped already. */
  shape(mark: string, shaping: Shaping): Promise<void>;
  /** The shaping with the mark as the system describes it; `undefined` where there is none. */
  shapingOf(mark: string): Promise<string | undefined>;
  /** How many packets the shaping with the mark has passed on so far; 0 where there is none. */
  packetsShaped(mark: string): Promise<number>;
  /** Undoes `shape`. Harmless where there is none with the mark. */
  unshape(mark: string): Promise<void>;
  /** Opens a connection from the node to another one's server. @returns why it could not be opened, if so. */
  connectTo(peer: Address, limitMs: number): Promise<string | undefined>;
}

/** The server's own processes, each by the id that PostgreSQL knows it by (`pg_backend_pid()`). */
export interface NodeBackends {
  /**
   * SIGKILL to one of them.
   * @throws EnvironmentError where the server has no such process; nothing is touched then.
   */
  kill(pid: number): Promise<void>;
}

export interface ProvisionOptions {
  readonly nodes: readonly NodeSpec[];
  /** Extra server settings that the engine needs on every node, `wal_level` -> `logical`. */
  readonly settings: Readonly<Record<string, string>>;
  /** What runs on nodes instead of a server that the platform starts by itself; none by default. */
  readonly programs?: NodePrograms;
  /** Nodes whose data need a file system of its own size, that may be filled; none by default. */
  readonly sizedData?: readonly NodeName[];
  /** Where the platform keeps what must outlive a crash of pgquake, and the nodes' logs. */
  readonly runFolder: string;
  /**
   * What faults will need of the nodes; none by default. What costs something, such as a relay in front of every
   * node, is there for those who need it only.
   */
  readonly needs?: ReadonlySet<Capability>;
  readonly signal: AbortSignal;
  /** Hears, in words, what takes long: an image that is pulled. */
  readonly onProgress?: (line: string) => void;
}

/** Nodes that run and serve. */
export interface Nodes {
  /** The PostgreSQL servers, in the order in which they were asked for; those that were found, in the order of their names. */
  readonly all: readonly NodeControl[];
  /** Where they are somebody else's: what a run may add to them, and how else clients reach them. */
  readonly attached?: AttachedExtras;
  /** Those that are none: members of a DCS, proxies, poolers. None by default. */
  readonly beside?: readonly NodeControl[];
  /** Removes every process, port and folder of these nodes, whatever state they are in. Harmless twice. */
  dispose(): Promise<void>;
}

/** What a cluster of an inventory brings beside its nodes. */
export interface AttachedExtras {
  /** The address of what decides roles in it, where the inventory names one: the REST API of a Patroni. */
  readonly manager?: string | undefined;
  /** Further ways of clients, by name. */
  readonly routes: Readonly<Record<string, Route>>;
  /**
   * Makes the schema of pgquake, on a session that takes writes. Disposing of the nodes drops it.
   * @throws EnvironmentError where there is one.
   */
  makeOwnSchema(session: Session): Promise<void>;
}

/** The file in a run's folder that names its cluster: there as long as the cluster is. Holds no password. */
export const CLUSTER_FILE = 'cluster.json';

/** What became of the cluster of a run that ended without removing it. */
export interface Reclaimed {
  /** Who still uses it, in words; set where it was left alone for that. */
  readonly inUseBy?: string;
  /** What was removed, in words: `worker1: postmaster 4711 and 12 other processes`. */
  readonly removed: readonly string[];
  /**
   * Set where the run had attached to a cluster that stands: what it owed must be undone on these nodes.
   * Disposing of them forgets that the run was attached, and removes nothing.
   */
  readonly standing?: Nodes;
}

export interface StandingOptions {
  /** Its name, `citus`: the Compose project. */
  readonly project: string;
  readonly signal: AbortSignal;
}

export interface AttachOptions {
  /** Whether nodes of these names can be a cluster; any can by default. */
  readonly isWhole?: ((names: readonly NodeName[]) => boolean) | undefined;
  /**
   * Of a run that will break nodes: its `cluster.json` names the cluster until it is disposed of, so that what the run
   * owes can be undone after a crash. Absent for those that break nothing.
   */
  readonly runFolder?: string | undefined;
}

export interface UpOptions extends StandingOptions {
  readonly nodes: readonly NodeSpec[];
  /** Of every server, beside the platform's own. */
  readonly settings: Readonly<Record<string, string>>;
  /** The folder of its description and of its password's file; the description is written where there is none. */
  readonly folder: string;
  /** Hears, in words, what takes long. */
  readonly onProgress: (line: string) => void;
}

export interface LogOptions extends StandingOptions {
  /** All nodes where none is named. */
  readonly node?: NodeName;
  /** Goes on with what is printed from now on, until the signal is aborted. */
  readonly follow: boolean;
  /** At most this many lines of the past, of each node. */
  readonly lines: number;
  readonly onLine: (node: NodeName, line: string) => void;
}

/** A program to run, with what its environment needs beside this process's own. */
export interface Invocation {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Clusters that stand between runs, for people and for runs that attach to them. Only what carries the
 * cluster's mark is touched; what stands in the way and does not is refused by name.
 */
export interface StandingClusters {
  /**
   * Starts a cluster, or makes it; returns when every node accepts SQL. Harmless on one that stands.
   * @throws EnvironmentError with what to do.
   */
  up(options: UpOptions): Promise<Nodes>;
  /**
   * Takes hold of a cluster, in whatever state its nodes are. Disposing of it removes nothing.
   * @throws EnvironmentError with the code `no-such-project` where there is none.
   */
  attach(project: string, options?: AttachOptions): Promise<Nodes>;
  /**
   * Stops and removes a cluster. Harmless where there is none.
   * @param options.volumes also removes its data, and the password that was made for them in `folder`.
   * @returns what was removed, in words.
   */
  down(options: StandingOptions & { readonly folder: string; readonly volumes: boolean }): Promise<string[]>;
  /** Stops all nodes and starts them again; returns when every one accepts SQL. */
  restart(options: StandingOptions): Promise<Nodes>;
  /** What runs psql on a node, where it runs. */
  shell(
    project: string,
    options: { readonly node: NodeName; readonly args: readonly string[]; readonly terminal: boolean },
  ): Promise<Invocation>;
  logs(options: LogOptions): Promise<void>;
}

/** Something that a reader of a report wants to know of where the nodes ran. */
export interface Fact {
  /** `Docker`. */
  readonly name: string;
  readonly value: string;
}

export interface Platform {
  readonly name: string;
  readonly summary: string;
  /** What the nodes run on beside pgquake's machine, such as an engine and an image; nothing by default. */
  about?(nodes: readonly NodeControl[]): Promise<readonly Fact[]>;
  /** What it can do where the machine lets it. */
  readonly capabilities: ReadonlySet<Capability>;
  /**
   * Whether one of its capabilities can be used here, for it may depend on the kernel or on an image.
   * @returns `undefined` if so, else the reason in words, and what would be needed.
   */
  lacking?(capability: Capability): Promise<string | undefined>;
  /** Those of its capabilities that tell nodes apart by the addresses at which they reach each other. */
  readonly byAddress?: ReadonlySet<Capability>;
  /**
   * Whether it can be used here.
   * @param needs what the cluster will need of it; nothing beyond servers by default.
   * @param programs what its nodes run, where they are no servers that the platform starts by itself.
   * @returns `undefined` if so, else the reason, and what to do where that is known.
   */
  unavailable(
    needs?: readonly Capability[],
    programs?: Pick<NodePrograms, 'requires'>,
  ): Promise<EnvironmentError | undefined>;
  /**
   * It brings the programs of an engine in versions that pgquake knows, so it is taken before those that use what is
   * installed. False by default.
   */
  readonly bringsPrograms?: true;
  /** A node that is down refuses connections at once. Elsewhere it may be silent, or have no name, for some seconds. */
  readonly refusesWhenDown?: true;
  /** Present where clusters can stand between runs. */
  readonly standing?: StandingClusters;
  /**
   * Whether the servers made here bring an extension, such as `citus`. Makes no cluster.
   * @param onProgress hears a line now and then while the servers' image is being fetched.
   */
  offers(extension: string, onProgress: (line: string) => void): Promise<boolean>;
  /**
   * Makes and starts all of these nodes; returns when every one accepts SQL. Leaves nothing
   * behind when it fails or is aborted.
   * @throws EnvironmentError with what to do.
   */
  provision(options: ProvisionOptions): Promise<Nodes>;
  /**
   * Removes the cluster that `cluster.json` in a run's folder names, and the file at last, once it has
   * seen that nothing is left; leaves it alone while the pgquake that made it runs. One that the run had
   * attached to is handed out instead. Harmless twice.
   * @param options.force also where it cannot be told whether that pgquake still runs. False by default.
   * @throws EnvironmentError with what is left and what to do.
   */
  reclaim(runFolder: string, options?: { readonly force?: boolean }): Promise<Reclaimed>;
}

/** A container of somebody else's Compose project. It may be a server or anything else. */
export interface FoundContainer {
  /** Its service in the Compose file, and which of that service's containers it is, from 1 on. */
  readonly service: string;
  readonly number: number;
  readonly container: string;
  /** Where its ports are published on this machine. */
  readonly ports: readonly { readonly host: string; readonly port: number }[];
  /** What its environment says of the server's user and database, where it does. */
  readonly user?: string | undefined;
  readonly database?: string | undefined;
}

/** A platform whose nodes exist already, as an inventory describes them. It makes none. */
export interface InventoryPlatform extends Platform {
  /**
   * Takes hold of all nodes, in whatever state they are. Disposing of them drops the schema of pgquake, and removes
   * nothing else.
   * @param options.runFolder of a run that will break nodes, as in `AttachOptions`. Absent for those that write nothing.
   * @throws InputError where a password or a file that the inventory names cannot be read; EnvironmentError where a
   * container does not exist, or the connection string of its node leads elsewhere.
   */
  attach(inventory: Inventory, options?: { readonly runFolder?: string | undefined }): Promise<Nodes>;
  /**
   * The running containers of a Compose project.
   * @throws EnvironmentError where it has none.
   */
  containersOf(project: string): Promise<readonly FoundContainer[]>;
}

/** Whatever faults may strike and an undo may be owed to. */
export function everyNode({ all, beside = [] }: Pick<Nodes, 'all' | 'beside'>): readonly NodeControl[] {
  return [...all, ...beside];
}

export function noSuchBackend(node: NodeName, pid: number): EnvironmentError {
  return new EnvironmentError(`${node}: its server has no process ${pid}`, { code: 'no-such-backend' });
}

/** For a fault that meets a node whose platform cannot do what it needs; a plan refuses that much earlier. */
export function without(node: NodeName, capability: Capability): never {
  throw new EnvironmentError(`${node}: its platform lacks ${capability}`, { code: 'capability-missing' });
}

/** The nodes of a cluster, and which partitions each holds. Plain values; no cluster needed. */

export type NodeName = string;

/** A planned node: its name and its fixed role. */
export interface NodeSpec {
  readonly name: NodeName;
  /** As its engine names it: `coordinator`, `worker`, `member`. */
  readonly role: string;
  readonly part: Purpose;
}

/**
 * The fixed purpose of a node.
 * - `entry`: every statement passes it; it holds no rows. `data`: it holds copies of partitions.
 * - Not PostgreSQL servers: `dcs`: a member of the store where a manager records the primary. `proxy`: forwards
 *   connections to the node with a role. `pooler`: shares few connections among many clients.
 */
export const PURPOSES = ['entry', 'data', 'dcs', 'proxy', 'pooler'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Purposes of nodes that are not PostgreSQL servers. */
export const BESIDE = ['dcs', 'proxy', 'pooler'] as const satisfies readonly Purpose[];
export type BesidePurpose = (typeof BESIDE)[number];

/** What a cluster is made of. `Engine.nodes` makes the nodes. */
export interface Topology {
  /** The entry first, if any. */
  readonly nodes: readonly NodeSpec[];
  /** Copies of every partition, from 1 to the number of nodes with data. */
  readonly replication: number;
  /** Partitions of every distributed table, at least 1. */
  readonly partitions: number;
  /** The engine's word for a partition. Absent if it does not divide rows: every data node has all of them. */
  readonly partitionWord?: string;
}

export interface Partition {
  /** From 0, in the order of the hash ranges. */
  readonly index: number;
  /** `A`, `B`, ... `Z`, `AA`, ... */
  readonly name: string;
  /** The workers that hold it; reads ask the first one first, if the engine has a preference. */
  readonly copies: readonly NodeName[];
}

/** The placement, read from the cluster after it was formed. */
export interface PlacementMap {
  readonly partitions: readonly Partition[];
  /** Partition key -> index of its partition, for every partition key of the data set. */
  readonly partitionOfKey: Readonly<Record<number, number>>;
  /** As in `Topology`. */
  readonly partitionWord?: string;
  /** The node that every statement passes; absent if there is none. */
  readonly entry?: NodeName;
  /** The node that every write needs besides the holders; absent if there is none. */
  readonly writesAlsoNeed?: NodeName;
}

/** `down`: it refuses connections, or its machine is gone. `frozen`: its connections stay open without an answer. */
export type NodeEffect = 'down' | 'frozen';

/**
 * `running`: its process runs. `paused`: its process exists but gets no processor time. `stopped`: it is not running.
 */
export type NodeState = 'running' | 'paused' | 'stopped';

/** Nodes that are out of service together. */
export interface LostNodes {
  readonly down: readonly NodeName[];
  readonly frozen: readonly NodeName[];
}

/** What an engine expects of one partition while some nodes are down or frozen. */
export interface PartitionPrediction {
  readonly partition: string;
  readonly readable: boolean;
  readonly writable: boolean;
  /** Other nodes take over within this time; at once if absent. */
  readonly outMs?: number;
  /** What waits for a frozen node instead of failing at once, and misses its deadline. */
  readonly stalled?: readonly Access[];
}

export type Access = 'read' | 'write';

export function nodeNames({ nodes }: Pick<Topology, 'nodes'>): NodeName[] {
  return nodes.map(({ name }) => name);
}

export function dataNodes(topology: Pick<Topology, 'nodes'>): NodeName[] {
  return nodesThatAre(topology, 'data');
}

export function nodesThatAre({ nodes }: Pick<Topology, 'nodes'>, purpose: Purpose): NodeName[] {
  return nodes.filter(({ part }) => part === purpose).map(({ name }) => name);
}

/** The engine's word for a node that holds data. */
export function holderWord({ nodes }: Pick<Topology, 'nodes'>): string {
  return nodes.find(({ part }) => part === 'data')?.role ?? 'node';
}

/** The node that every statement passes, if there is one. */
export function entryNode({ nodes }: Pick<Topology, 'nodes'>): NodeName | undefined {
  return nodes.find(({ part }) => part === 'entry')?.name;
}

/** `A` for 0, `Z` for 25, `AA` for 26: the columns of a spreadsheet. */
export function partitionName(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : partitionName(Math.floor(index / 26) - 1) + letter;
}

/** The inverse of `partitionName`. */
export function partitionIndex(name: string): number {
  return [...name].reduce((index, letter) => index * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

/**
 * A ring: partition i is on holders i, i+1, ... i+replication-1 (mod holders).
 * With 4 holders and replication 2: A on 1+2, B on 2+3, C on 3+4, D on 4+1.
 */
export function ringPlacement(
  holders: readonly NodeName[],
  { replication, partitions }: Pick<Topology, 'replication' | 'partitions'>,
): Partition[] {
  return Array.from({ length: partitions }, (_, index) => ({
    index,
    name: partitionName(index),
    copies: Array.from({ length: replication }, (_, k) => holders[(index + k) % holders.length] as NodeName),
  }));
}

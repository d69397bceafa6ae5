/** Which nodes there are, and which of them holds which partition. Plain values; no cluster needed. */

export type NodeName = string;

/** A node before there is one: what it is called, and what it is for good. */
export interface NodeSpec {
  readonly name: NodeName;
  /** In the word of its engine: `coordinator`, `worker`, `member`. */
  readonly role: string;
  readonly part: Purpose;
}

/**
 * What a node is for good.
 * - `entry`: every statement passes it, and it holds no rows. `data`: it holds copies of partitions.
 * - These are no PostgreSQL servers: `dcs`: a member of the store in which a manager keeps who is primary. `proxy`: passes
 *   connections on to the node that has a role. `pooler`: shares few connections among many clients.
 */
export const PURPOSES = ['entry', 'data', 'dcs', 'proxy', 'pooler'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** What a node is that is no PostgreSQL server. */
export const BESIDE = ['dcs', 'proxy', 'pooler'] as const satisfies readonly Purpose[];
export type BesidePurpose = (typeof BESIDE)[number];

/** What a cluster is made of. `Engine.nodes` makes the nodes. */
export interface Topology {
  /** The entry first, where there is one. */
  readonly nodes: readonly NodeSpec[];
  /** Copies of every partition, from 1 to the number of nodes with data. */
  readonly replication: number;
  /** Partitions of every distributed table, from 1. */
  readonly partitions: number;
  /** What people call a part of the rows: `partition`. Absent where rows are not divided: every node with data has all. */
  readonly partitionWord?: string;
}

export interface Partition {
  /** Counted from 0, in the order of the hash ranges. */
  readonly index: number;
  /** The name people use: `A`, `B`, ... `Z`, `AA`, ... */
  readonly name: string;
  /** The workers that hold it; the first is asked first, where the engine has a preference. */
  readonly copies: readonly NodeName[];
}

/** Where everything is, read from the cluster itself after it was formed. */
export interface PlacementMap {
  readonly partitions: readonly Partition[];
  /** Partition key id -> index of its partition, for every partition key of the data set. */
  readonly partitionOfKey: Readonly<Record<number, number>>;
  /** As in `Topology`. */
  readonly partitionWord?: string;
  /** A node that every statement passes; absent where there is none. */
  readonly entry?: NodeName;
  /** A node that every write needs beside the holders of its partition, where the engine has such a node. */
  readonly writesAlsoNeed?: NodeName;
}

/** - `down`: it refuses connections, or is not there. `frozen`: connections to it stay open, and nobody answers. */
export type NodeEffect = 'down' | 'frozen';

/** - `running`: its process runs. `paused`: it exists but gets no processor. `stopped`: it does not run. */
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
  /** It is served by others, once they have noticed: within so long. At once where it is absent. */
  readonly outMs?: number;
  /** What waits for a frozen node instead of failing at once; none of it succeeds before its deadline. */
  readonly stalled?: readonly Access[];
}

export type Access = 'read' | 'write';

export function nodeNames({ nodes }: Pick<Topology, 'nodes'>): NodeName[] {
  return nodes.map(({ name }) => name);
}

/** The nodes that hold data. */
export function dataNodes({ nodes }: Pick<Topology, 'nodes'>): NodeName[] {
  return nodes.filter(({ part }) => part === 'data').map(({ name }) => name);
}

/** The nodes that are this for good. */
export function nodesThatAre({ nodes }: Pick<Topology, 'nodes'>, purpose: Purpose): NodeName[] {
  return nodes.filter(({ part }) => part === purpose).map(({ name }) => name);
}

/** What its engine calls a node that holds data. */
export function holderWord({ nodes }: Pick<Topology, 'nodes'>): string {
  return nodes.find(({ part }) => part === 'data')?.role ?? 'node';
}

/** The node that every statement passes, where there is one. */
export function entryNode({ nodes }: Pick<Topology, 'nodes'>): NodeName | undefined {
  return nodes.find(({ part }) => part === 'entry')?.name;
}

/** `A` for 0, `Z` for 25, `AA` for 26: the columns of a spreadsheet. */
export function partitionName(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : partitionName(Math.floor(index / 26) - 1) + letter;
}

/** What `partitionName` made of an index. */
export function partitionIndex(name: string): number {
  return [...name].reduce((index, letter) => index * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

/**
 * A ring: partition i lives on holders i, i+1, ... i+replication-1 (mod holders).
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

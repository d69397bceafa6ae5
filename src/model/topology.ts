/** Which nodes there are, and which worker holds which shard. Plain values; no cluster needed. */

export type NodeName = string;

export const COORDINATOR: NodeName = 'coordinator';

/**
 * A coordinator with workers; or, where `members` names them, nodes that are all alike: then every one of them holds
 * the one shard, and counts as a worker.
 */
export interface Topology {
  /** Workers beside the one coordinator, from 1. */
  readonly workers: number;
  /** Copies of every shard, from 1 to `workers`. */
  readonly replication: number;
  /** Shards of every distributed table, from 1. */
  readonly shards: number;
  /** The nodes of a cluster whose roles move. */
  readonly members?: readonly NodeName[];
}

export interface Shard {
  /** Counted from 0, in the order of the hash ranges. */
  readonly index: number;
  /** The name people use: `A`, `B`, ... `Z`, `AA`, ... */
  readonly name: string;
  /** The workers that hold it; the first is asked first, where the engine has a preference. */
  readonly placements: readonly NodeName[];
}

/** Where everything is, read from the cluster itself after it was formed. */
export interface PlacementMap {
  readonly shards: readonly Shard[];
  /** Room id -> index of its shard, for every room of the data set. */
  readonly shardOfRoom: Readonly<Record<number, number>>;
  /** A node that every write needs beside the holders of its shard, where the engine has such a node. */
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

/** What an engine expects of one shard while some nodes are down or frozen. */
export interface ShardPrediction {
  readonly shard: string;
  readonly readable: boolean;
  readonly writable: boolean;
  /** It is served by others, once they have noticed: within so long. At once where it is absent. */
  readonly outMs?: number;
  /** What waits for a frozen node instead of failing at once; none of it succeeds before its deadline. */
  readonly stalled?: readonly ShardAccess[];
}

export type ShardAccess = 'read' | 'write';

/** The nodes of a cluster whose roles move: their names say nothing of what they do. */
export function memberNames(members: number): NodeName[] {
  return Array.from({ length: members }, (_, i) => `pg${i + 1}`);
}

/** The nodes that hold data. */
export function workerNames(topology: Pick<Topology, 'workers' | 'members'>): NodeName[] {
  if (topology.members) return [...topology.members];
  return Array.from({ length: topology.workers }, (_, i) => `worker${i + 1}`);
}

export function nodeNames(topology: Pick<Topology, 'workers' | 'members'>): NodeName[] {
  if (topology.members) return [...topology.members];
  return [COORDINATOR, ...workerNames(topology)];
}

/** `A` for 0, `Z` for 25, `AA` for 26: the columns of a spreadsheet. */
export function shardName(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : shardName(Math.floor(index / 26) - 1) + letter;
}

/** What `shardName` made of an index. */
export function shardIndex(name: string): number {
  return [...name].reduce((index, letter) => index * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

/**
 * The ring that Citus lays out: shard i lives on workers i, i+1, ... i+replication-1 (mod workers).
 * With 4 workers and replication 2: A on 1+2, B on 2+3, C on 3+4, D on 4+1.
 */
export function ringPlacement(topology: Topology): Shard[] {
  const workers = workerNames(topology);
  return Array.from({ length: topology.shards }, (_, index) => ({
    index,
    name: shardName(index),
    placements: Array.from(
      { length: topology.replication },
      (_, k) => workers[(index + k) % workers.length] as NodeName,
    ),
  }));
}

/** The programs on a node that is not a plain server started by the platform itself. Plain values. */

import type { NodeName } from '../model/topology.ts';

/** Placeholder for the cluster's password in a program's files, so that no plan and no Compose file has it. */
export const PASSWORD_HERE = '<the password of the cluster>';

/** What an engine runs on the nodes of one cluster. */
export interface NodePrograms {
  /** The image that has them, by its folder below `docker/`: `patroni`. */
  readonly image: string;
  /** Programs that the nodes need, each with its Debian packages: `etcd` -> `etcd-server`. */
  readonly requires: Readonly<Record<string, string>>;
  /** What runs on each node, given these places. Pure: a platform may call it twice. */
  at(places: Places): Readonly<Record<NodeName, NodeProgram>>;
}

/** The addresses and folders of a cluster's programs on a platform. */
export interface Places {
  /** The address on which a node listens for one of its ports: `0.0.0.0:8008`. */
  listen(node: NodeName, port: number): string;
  /** The address by which every node reaches it: `pg1:8008`. */
  reach(node: NodeName, port: number): string;
  /** The folder for a node's configuration, which exists before its program starts. */
  configFolder(node: NodeName): string;
  /** The folder for a node's data, which its program creates. @param inImage the image's folder for it. */
  dataFolder(node: NodeName, inImage: string): string;
  /** The name server for the nodes, where their addresses change with a restart. */
  readonly nameServer?: string;
}

export interface NodeProgram {
  /** The node's main program and its arguments, without a shell. */
  readonly command: readonly string[];
  /** Text files by absolute path, written before it starts; `PASSWORD_HERE` in them becomes the password. */
  readonly files: Readonly<Record<string, string>>;
  /** The ports that it listens on. Clients and other nodes use the first. */
  readonly ports: readonly [number, ...number[]];
  /**
   * The manager's agent, if it can fail alone: its process name and port. SIGUSR1 to the node's first process restarts
   * it.
   */
  readonly agent?: { readonly process: string; readonly port: number };
  /** Where it keeps what must survive its end. */
  readonly dataFolder?: string;
  /** Not for PostgreSQL: the path on the first port that answers 200 if healthy; `''` if accepting is enough. */
  readonly health?: string;
}

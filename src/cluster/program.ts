/** What runs on a node, where that is not a PostgreSQL server that the platform starts by itself. Plain values. */

import type { NodeName } from '../model/topology.ts';

/** Stands for the cluster's password in the files of a program, so that no plan and no Compose file holds it. */
export const PASSWORD_HERE = '<the password of the cluster>';

/** What an engine runs on the nodes of one cluster. */
export interface NodePrograms {
  /** Which of the images that pgquake builds has them, by its folder below `docker/`: `patroni`. */
  readonly image: string;
  /** Programs that the nodes need, each with the Debian packages that bring it: `etcd` -> `etcd-server`. */
  readonly requires: Readonly<Record<string, string>>;
  /** What runs on each node, where these places are theirs. Pure: a platform may ask twice. */
  at(places: Places): Readonly<Record<NodeName, NodeProgram>>;
}

/** Where the programs of a cluster find themselves and each other. */
export interface Places {
  /** Where a node listens for what is meant for one of its ports: `0.0.0.0:8008`. */
  listen(node: NodeName, port: number): string;
  /** Where every node reaches it there: `pg1:8008`. */
  reach(node: NodeName, port: number): string;
  /** The folder for a node's configuration, made before its program starts. */
  configFolder(node: NodeName): string;
  /** The folder for a node's data, which its program makes. @param inImage which one the image has for it. */
  dataFolder(node: NodeName, inImage: string): string;
  /** What knows nodes by their names, where their addresses change when they start again. */
  readonly nameServer?: string;
}

export interface NodeProgram {
  /** The program and its arguments, without a shell. It is what the node lives for. */
  readonly command: readonly string[];
  /** Text files by absolute path, written before it starts; `PASSWORD_HERE` in them becomes the password. */
  readonly files: Readonly<Record<string, string>>;
  /** Where it listens; the first is what clients and other nodes come for. */
  readonly ports: readonly [number, ...number[]];
  /**
   * The manager's agent on this node, where it is a process that can be lost alone: its name, and a port at which it
   * listens once it is up. The signal USR1 to the first process of the node starts it again.
   */
  readonly agent?: { readonly process: string; readonly port: number };
  /** Where it keeps what must outlive its end. */
  readonly dataFolder?: string;
  /**
   * Of a program that is no PostgreSQL server, at its first port: the path that answers 200 while all is well; `''` where it
   * is enough that it accepts connections.
   */
  readonly health?: string;
}

/** What runs on a node, where that is not a PostgreSQL server that the platform starts by itself. Plain values. */

/** Stands for the cluster's password in the files of a program, so that no plan and no Compose file holds it. */
export const PASSWORD_HERE = '<the password of the cluster>';

export interface NodeProgram {
  /** Which of the images that pgquake builds has it, by its folder below `docker/`: `patroni`. */
  readonly image: string;
  /** Programs that the image has to bring. */
  readonly requires: readonly string[];
  /** The program and its arguments, without a shell. It is what the container lives for. */
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

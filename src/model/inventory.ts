/** A cluster that exists, as its people describe it: how each node is reached, and how it may be broken. Holds no password. */

import type { NodeName } from './topology.ts';

/** How a client reaches a server, as libpq's connection strings say it, without the password. */
export interface Connection {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** As libpq means it; `prefer` by default. */
  readonly sslmode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** The file of the root certificate, PEM; an absolute path. */
  readonly sslrootcert?: string;
}

/** Where a password comes from; `PGPASSWORD` and `~/.pgpass` where neither is given. */
export interface PasswordSource {
  /** A file whose first line it is; an absolute path. */
  readonly passwordFile?: string;
  /** The name of a variable of the environment. */
  readonly passwordEnv?: string;
}

export interface InventoryNode extends PasswordSource {
  readonly name: NodeName;
  readonly connection: Connection;
  /** The container that the server runs in. */
  readonly docker?: ContainerPlace;
  /** The machine that the server is a service of, in place of a container. */
  readonly ssh?: MachinePlace;
  /** How other nodes reach it, where that is not how pgquake does. */
  readonly peer?: { readonly host: string; readonly port: number };
}

/** A service of systemd on a machine that is reached by the user's own ssh client. */
export interface MachinePlace {
  /** As the `ssh` command takes it: `ops@10.0.0.5`, `db-a`, `ssh://ops@10.0.0.5:2222`. */
  readonly to: string;
  /** `postgresql@17-main`; found out where it is left out. */
  readonly service?: string;
  /** The client's configuration in place of the user's own; an absolute path. */
  readonly config?: string;
  /** How long without word from pgquake before the machine undoes its acts. */
  readonly undoAfterMs: number;
}

/** A container, and the Docker engine that it is on: the one that the `docker` command would use by default. */
export interface ContainerPlace {
  /** By name or id. */
  readonly container: string;
  /** As in `DOCKER_HOST`: `unix:///run/other.sock`, `tcp://10.0.0.5:2376`. */
  readonly host?: string;
  /** The folder of ca.pem, cert.pem and key.pem for that host; an absolute path. */
  readonly certPath?: string;
  /** A context of the `docker` command, in place of a host. */
  readonly context?: string;
}

/** A further way of clients to the data, such as a proxy. */
export interface InventoryRoute extends PasswordSource {
  readonly name: string;
  readonly access: 'read' | 'write';
  readonly connection: Connection;
}

export interface Inventory {
  /** What people call the cluster; a run that breaks something has to repeat it. */
  readonly name: string;
  /** What decides roles in it, where it is named: the engine that knows it, and its address. */
  readonly manager?: { readonly engine: string; readonly address: string };
  readonly nodes: readonly InventoryNode[];
  readonly routes: readonly InventoryRoute[];
}

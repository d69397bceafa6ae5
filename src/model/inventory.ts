/**
 * An existing cluster as its operators describe it: how to reach each node, and how pgquake may break it. Holds no
 * password.
 */

import type { NodeName } from './topology.ts';

/** How to reach a server, as in libpq's connection strings; without the password. */
export interface Connection {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** As libpq means it; `prefer` by default. */
  readonly sslmode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** The file of the root certificate, PEM; an absolute path. */
  readonly sslrootcert?: string;
}

/** Where the password comes from; `PGPASSWORD` or `~/.pgpass` if neither is given. */
export interface PasswordSource {
  /** A file with the password on its first line; an absolute path. */
  readonly passwordFile?: string;
  /** The name of an environment variable. */
  readonly passwordEnv?: string;
}

export interface InventoryNode extends PasswordSource {
  readonly name: NodeName;
  readonly connection: Connection;
  /** The container that the server runs in. */
  readonly docker?: ContainerPlace;
  /** The machine that runs the server as a service, instead of a container. */
  readonly ssh?: MachinePlace;
  /** How other nodes reach it, if different from how pgquake does. */
  readonly peer?: { readonly host: string; readonly port: number };
}

/** A systemd service on a machine, reached with the user's own ssh client. */
export interface MachinePlace {
  /** As the `ssh` command takes it: `ops@10.0.0.5`, `db-a`, `ssh://ops@10.0.0.5:2222`. */
  readonly to: string;
  /** `postgresql@17-main`; pgquake finds it if absent. */
  readonly service?: string;
  /** An ssh configuration file instead of the user's own; an absolute path. */
  readonly config?: string;
  /** How long pgquake may be silent before the machine undoes its acts. */
  readonly undoAfterMs: number;
}

/** A container and its Docker engine; by default the engine that the `docker` command uses. */
export interface ContainerPlace {
  /** By name or id. */
  readonly container: string;
  /** As in `DOCKER_HOST`: `unix:///run/other.sock`, `tcp://10.0.0.5:2376`. */
  readonly host?: string;
  /** The folder with ca.pem, cert.pem and key.pem for that host; an absolute path. */
  readonly certPath?: string;
  /** A context of the `docker` command, instead of a host. */
  readonly context?: string;
}

/** Another way for clients to reach the data, such as a proxy. */
export interface InventoryRoute extends PasswordSource {
  readonly name: string;
  readonly access: 'read' | 'write';
  readonly connection: Connection;
}

export interface Inventory {
  /** The cluster's name; a run that breaks something must repeat it. */
  readonly name: string;
  /** The manager that assigns the roles, if named: the engine that knows it, and its address. */
  readonly manager?: { readonly engine: string; readonly address: string };
  readonly nodes: readonly InventoryNode[];
  readonly routes: readonly InventoryRoute[];
}

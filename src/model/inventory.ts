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
  /** The container that the server runs in, by name or id. */
  readonly docker?: string;
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
  readonly nodes: readonly InventoryNode[];
  readonly routes: readonly InventoryRoute[];
}

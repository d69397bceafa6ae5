/**
 * The parts of `pg` that pgquake uses. The main module would load another driver if NODE_PG_FORCE_NATIVE is set, and a
 * client takes missing settings from PG* variables: PGOPTIONS alone can make every session read-only. The scenario must
 * decide, so pgquake avoids both.
 */

import { createRequire } from 'node:module';
import type pg from 'pg';
import type { TlsOptions } from '../model/address.ts';

const require = createRequire(import.meta.url);

const Client = require('pg/lib/client') as typeof pg.Client & { readonly Query: typeof pg.Query };

export const { Query } = Client;
export const types = createRequire(require.resolve('pg'))('pg-types') as typeof pg.types;

/** Fields of a `pg` client that its types lack. */
interface ClientInside {
  password: string;
  readonly connectionParameters: { password: string; options: string | undefined; replication: undefined };
}

/** The settings of each session. */
export type ClientConfig = Required<Pick<pg.ClientConfig, 'host' | 'port' | 'user' | 'database' | 'application_name'>> &
  Pick<pg.ClientConfig, 'keepAlive' | 'stream'> & {
    readonly password: string;
    readonly pipeline: boolean;
    readonly tls?: TlsOptions;
    /** `-c name=value`, sent with the start-up packet. */
    readonly options?: string;
  };

/** A client that takes nothing from the environment. It encrypts the connection if the address says so. */
export function newClient({ tls, ...config }: ClientConfig): pg.Client {
  const client = new Client({
    ...config,
    ssl: tls ? sslOf(tls) : false,
    sslnegotiation: 'postgres',
    client_encoding: 'UTF8',
  } as pg.ClientConfig);
  // `pg` would replace empty values of these from the environment.
  const inside = client as unknown as ClientInside;
  inside.password = config.password;
  Object.assign(inside.connectionParameters, {
    password: config.password,
    options: config.options,
    replication: undefined,
  });
  return client;
}

function sslOf({ verify, ca }: TlsOptions): pg.ClientConfig['ssl'] {
  return {
    rejectUnauthorized: verify !== 'none',
    ...(ca === undefined ? {} : { ca }),
    ...(verify === 'full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

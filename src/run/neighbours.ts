/** Asks a server for the other members of its cluster: its standbys, or its primary. Writes nothing. */

import { openSession } from '../cluster/open-session.ts';
import type { Address } from '../model/address.ts';

const LIMIT_MS = 5_000;

const READ_NEIGHBOURS = `
  SELECT host(client_addr), NULL::int FROM pg_stat_replication WHERE client_addr IS NOT NULL
  UNION SELECT sender_host, sender_port FROM pg_stat_wal_receiver WHERE sender_host IS NOT NULL`;
const READ_SELF = `SELECT (SELECT system_identifier::text FROM pg_control_system()), pg_is_in_recovery(),
  pg_postmaster_start_time()::text`;

export interface Server {
  /** The same on all servers of one cluster. */
  readonly systemIdentifier: string;
  readonly standby: boolean;
  /** When the server started, as it prints it; it tells servers of one cluster apart. */
  readonly startedAt: string;
  /** The servers that it streams to or from. A primary does not know its standbys' ports. */
  readonly neighbours: readonly { readonly host: string; readonly port: number | undefined }[];
}

/** @throws where it does not answer, or the user cannot log in. */
export async function askServer(address: Address): Promise<Server> {
  await using session = await openSession(address, 'inspect', { limitMs: LIMIT_MS });
  const [self] = await session.query(READ_SELF, [], { timeoutMs: LIMIT_MS });
  const rows = await session.query(READ_NEIGHBOURS, [], { timeoutMs: LIMIT_MS });
  return {
    systemIdentifier: String(self?.[0]),
    standby: self?.[1] === true,
    startedAt: String(self?.[2]),
    neighbours: rows.map(([host, port]) => ({ host: String(host), port: port === null ? undefined : Number(port) })),
  };
}

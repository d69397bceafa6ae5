/** What failures leave on servers and nobody sees: transactions prepared for ever, slots that nobody reads. */

import type { IdleSlot, PreparedTransaction } from '../model/event.ts';
import { OBSERVER_NAMES } from '../sql/application-names.ts';
import { Session } from '../sql/session.ts';
import type { NodeControl } from './platform.ts';

const CONNECT_LIMIT_MS = 5_000;
const STATEMENT_LIMIT_MS = 5_000;

const PREPARED = `
  SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float8 * 1000 FROM pg_prepared_xacts
   WHERE database = current_database() ORDER BY prepared`;

/** @throws when a node cannot be asked. */
export async function preparedTransactions(nodes: readonly NodeControl[]): Promise<PreparedTransaction[]> {
  const rows = await askEach(nodes, PREPARED);
  return rows.map(({ node, row: [gid, ageMs] }) => ({ node, gid: String(gid), ageMs: Number(ageMs) }));
}

/** Names of the prepared transactions on the node of a session. */
export async function preparedHere(session: Session): Promise<string[]> {
  return (await session.query(PREPARED, [], { timeoutMs: STATEMENT_LIMIT_MS })).map(([gid]) => String(gid));
}

/** @throws when a node cannot be asked. */
export async function idleSlots(nodes: readonly NodeControl[]): Promise<IdleSlot[]> {
  const rows = await askEach(
    nodes,
    `SELECT slot_name, CASE WHEN pg_is_in_recovery() THEN 0
                            ELSE coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0) END::float8
       FROM pg_replication_slots WHERE NOT active AND NOT temporary ORDER BY slot_name`,
  );
  return rows.map(({ node, row: [name, keptBytes] }) => ({ node, name: String(name), keptBytes: Number(keptBytes) }));
}

async function askEach(nodes: readonly NodeControl[], statement: string) {
  const answers = await Promise.all(
    nodes.map(async (node) => {
      await using session = await Session.connect(node.address(), {
        connectTimeoutMs: CONNECT_LIMIT_MS,
        applicationName: OBSERVER_NAMES.leftovers,
      });
      const rows = await session.query(statement, [], { timeoutMs: STATEMENT_LIMIT_MS });
      return rows.map((row) => ({ node: node.name, row }));
    }),
  );
  return answers.flat();
}

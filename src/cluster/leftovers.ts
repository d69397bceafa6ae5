/** What failures leave behind on servers unnoticed: transactions that stay prepared, and slots without a reader. */

import type { IdleSlot, PreparedTransaction } from '../model/event.ts';
import type { NodeName } from '../model/topology.ts';
import type { Session } from '../sql/session.ts';
import { openSession } from './open-session.ts';
import type { NodeControl } from './platform.ts';

const CONNECT_LIMIT_MS = 5_000;
const STATEMENT_LIMIT_MS = 5_000;

/**
 * With those of the given relations that each holds a write lock on, found by the lock on its transaction id, because
 * `virtualtransaction` changes with a server restart.
 */
const PREPARED = `
  WITH held AS MATERIALIZED (SELECT * FROM pg_locks WHERE pid IS NULL),
       written AS (
         SELECT own.transactionid::text AS xid, array_agg(DISTINCT name) AS names
           FROM held own JOIN held lock USING (virtualtransaction)
           JOIN unnest($1::text[]) AS name ON to_regclass(name) = lock.relation
          WHERE own.locktype = 'transactionid' AND own.mode = 'ExclusiveLock'
            AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND lock.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
          GROUP BY 1)
  SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float8 * 1000, transaction::text, coalesce(names, '{}')
    FROM pg_prepared_xacts LEFT JOIN written ON xid = transaction::text
   WHERE database = current_database() ORDER BY prepared`;

const IDLE_SLOTS = `
  SELECT slot_name, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::float8
    FROM pg_replication_slots WHERE NOT active AND NOT temporary AND NOT pg_is_in_recovery() ORDER BY slot_name`;

/** A prepared transaction with its transaction id on its node, which its rows carry in `xmin`. */
export interface StandingTransaction extends PreparedTransaction {
  readonly xid: string;
  readonly relations: readonly string[];
}

/**
 * @param relationsOf the data set's relations on each node, quoted; none by default.
 * @throws when a node cannot be asked.
 */
export async function preparedTransactions(
  nodes: readonly NodeControl[],
  relationsOf: (node: NodeName) => readonly string[] = () => [],
): Promise<StandingTransaction[]> {
  const rows = await askEach(nodes, PREPARED, (node) => [relationsOf(node)]);
  return rows.map(({ node, row: [gid, ageMs, xid, relations] }) => ({
    node,
    gid: String(gid),
    ageMs: Number(ageMs),
    xid: String(xid),
    relations: relations as string[],
  }));
}

/** Names of the prepared transactions on the node of a session. */
export async function preparedHere(session: Session): Promise<string[]> {
  return (await session.query(PREPARED, [[]], { timeoutMs: STATEMENT_LIMIT_MS })).map(([gid]) => String(gid));
}

/**
 * Slots without a reader, on nodes that accept writes. A standby's slots are for the time after a failover.
 * @throws when a node cannot be asked.
 */
export async function idleSlots(nodes: readonly NodeControl[]): Promise<IdleSlot[]> {
  const rows = await askEach(nodes, IDLE_SLOTS);
  return rows.map(({ node, row: [name, keptBytes] }) => ({ node, name: String(name), keptBytes: Number(keptBytes) }));
}

async function askEach(
  nodes: readonly NodeControl[],
  statement: string,
  values: (node: NodeName) => readonly unknown[] = () => [],
) {
  const answers = await Promise.all(
    nodes.map(async (node) => {
      await using session = await openSession(node, 'leftovers', { limitMs: CONNECT_LIMIT_MS });
      const rows = await session.query(statement, values(node.name), { timeoutMs: STATEMENT_LIMIT_MS });
      return rows.map((row) => ({ node: node.name, row }));
    }),
  );
  return answers.flat();
}

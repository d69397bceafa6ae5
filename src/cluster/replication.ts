/** How far subscribers and standbys have read a node's WAL, by slots and by connections. */

import { formatBytes } from '../model/units.ts';
import type { Session } from '../sql/session.ts';

const STATEMENT_LIMIT_MS = 5_000;

/** The current end of a node's WAL; `undefined` on a standby, which writes none. */
export async function logEnd(session: Session): Promise<string | undefined> {
  const [row] = await ask(
    session,
    'SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_flush_lsn()::text END',
  );
  return row?.[0] === null ? undefined : String(row?.[0]);
}

/** Whether a standby that has a primary does not stream from it; false where this user may not see that. */
export async function waitsForPrimary(session: Session): Promise<boolean> {
  const [row] = await ask(
    session,
    `SELECT (SELECT setting <> '' FROM pg_settings WHERE name = 'primary_conninfo')
        AND coalesce((SELECT status FROM pg_stat_wal_receiver), '') <> 'streaming'`,
  );
  return row?.[0] === true;
}

/** Readers that are behind. Excludes base backups, which are not replicas. */
const BEHIND = `
  SELECT 'slot ' || slot_name AS reader, active,
         pg_wal_lsn_diff($1::pg_lsn, coalesce(confirmed_flush_lsn, restart_lsn))::float8 AS behind
    FROM pg_replication_slots
   WHERE NOT temporary AND (NOT active OR coalesce(confirmed_flush_lsn, restart_lsn) < $1::pg_lsn)
   UNION ALL
  SELECT 'standby ' || coalesce(nullif(application_name, ''), pid::text), true, pg_wal_lsn_diff($1::pg_lsn, replay_lsn)::float8
    FROM pg_stat_replication r
   WHERE state <> 'backup' AND (replay_lsn IS NULL OR replay_lsn < $1::pg_lsn)
     AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid)
   ORDER BY 1`;

/** Readers that have not read all of a node's WAL, in words. */
export interface ReadersBehind {
  /** Connected readers that have not confirmed the end. */
  readonly late: readonly string[];
  /** Slots without a reader. */
  readonly idle: readonly string[];
}

/** @param end from `logEnd` on the same node. */
export async function readersBehind(session: Session, end: string): Promise<ReadersBehind> {
  const late: string[] = [];
  const idle: string[] = [];
  for (const [reader, active, behind] of await ask(session, BEHIND, [end])) {
    if (active !== true) idle.push(`${reader} has no reader`);
    else if (behind === null) late.push(`${reader} has confirmed nothing`);
    else late.push(`${reader} is ${formatBytes(Number(behind))} behind`);
  }
  return { late, idle };
}

function ask(session: Session, text: string, values: readonly unknown[] = []) {
  return session.query(text, values, { timeoutMs: STATEMENT_LIMIT_MS });
}

/** The witness's table. The witness only adds rows, each with its run, node, session and sequence number. */

import type { EventOf } from '../model/event.ts';
import { KeySet } from '../model/key-ranges.ts';
import type { NodeName } from '../model/topology.ts';
import type { Session } from '../sql/session.ts';

const TABLE = 'pgquake.witness';
/** The first eight digits of a primary's current WAL file name are its timeline. */
const TIMELINE = `substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)`;

export const WITNESS_SQL = {
  ask: 'SELECT pg_is_in_recovery()',
  write: `INSERT INTO ${TABLE} (run, node, session, seq) VALUES ($1, $2, $3, $4) RETURNING ${TIMELINE}`,
} as const;

/** What a node reports about itself. */
export type Said = Pick<EventOf<'witness-saw'>, 'role' | 'timeline'>;

/** @param digits eight of them, hexadecimal, as `TIMELINE` gives them. */
export function timelineOf(digits: unknown): number {
  return Number.parseInt(String(digits), 16);
}

/**
 * Creates the table if needed.
 * @param session on the primary.
 * @returns a number that no earlier run on this table had.
 */
export async function makeWitnessTable(session: Session, timeoutMs: number): Promise<number> {
  await session.execute(
    `CREATE SCHEMA IF NOT EXISTS pgquake;
     CREATE TABLE IF NOT EXISTS ${TABLE} (
       run int NOT NULL, node text NOT NULL, session int NOT NULL, seq int NOT NULL,
       at timestamptz NOT NULL DEFAULT clock_timestamp(),
       PRIMARY KEY (run, node, seq))`,
    timeoutMs,
  );
  const [row] = await session.query(`SELECT coalesce(max(run), 0) + 1 FROM ${TABLE}`, [], { timeoutMs });
  return Number(row?.[0]);
}

/**
 * The rows of one run on one node, and the node's role.
 * @param nodes in the order of their numbers, from 1.
 */
export async function readWitnessTable(
  session: Session,
  { run, nodes, timeoutMs }: { readonly run: number; readonly nodes: readonly NodeName[]; readonly timeoutMs: number },
): Promise<Said & Pick<EventOf<'witness-read'>, 'present'>> {
  // A standby writes no WAL, so it has no current WAL file.
  const role = `SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE ${TIMELINE} END`;
  const [said] = await session.query(role, [], { timeoutMs });
  const present = new KeySet();
  const rows = `SELECT node, seq FROM ${TABLE} WHERE run = $1`;
  await session.forEachRow(rows, [run], ([node, seq]) => present.add(nodes.indexOf(String(node)) + 1, Number(seq)), {
    timeoutMs,
  });
  const timeline = said?.[0];
  return {
    ...(typeof timeline === 'string'
      ? { role: 'primary' as const, timeline: timelineOf(timeline) }
      : { role: 'standby' as const }),
    present: present.toRanges(),
  };
}

/** What happened to a server, according to its own memory, which no fault can forge. */

import type { NodeControl } from '../cluster/platform.ts';
import type { Session } from '../sql/session.ts';
import { connect, SQL_LIMIT_MS } from './contract-session.ts';

/**
 * `restarted`: it shut down in order and was started. `crashed`: it was killed and started. `recovered`: its processes
 * were killed, and it recovered as after a crash under the same postmaster.
 */
export type Past = 'ran on' | 'restarted' | 'crashed' | 'recovered';

export interface Memory {
  /** When its postmaster started. */
  readonly startedAt: string;
  /** Rows of an unlogged table, which survives an orderly shutdown but not crash recovery; a standby cannot read it. */
  readonly unlogged: number | undefined;
}

const UNLOGGED = `CREATE UNLOGGED TABLE IF NOT EXISTS short_memory AS SELECT;
  INSERT INTO short_memory SELECT WHERE NOT EXISTS (SELECT FROM short_memory)`;
const STARTED = 'SELECT pg_postmaster_start_time()::text, pg_is_in_recovery()';

/** Creates the table that a crash empties; a standby has only its start time. */
export async function remember(node: NodeControl): Promise<Memory> {
  await using session = await connect(node);
  const { startedAt, standby } = await startOf(session);
  if (standby) return { startedAt, unlogged: undefined };
  await session.execute(UNLOGGED, SQL_LIMIT_MS);
  return { startedAt, unlogged: await countOf(session) };
}

/** @param before the result of `remember`. */
export async function pastSince(node: NodeControl, before: Memory): Promise<Past> {
  await using session = await connect(node);
  const { startedAt, standby } = await startOf(session);
  const known = before.unlogged !== undefined && !standby;
  const kept = !known || (await countOf(session)) === before.unlogged;
  if (startedAt !== before.startedAt) return kept ? 'restarted' : 'crashed';
  return kept ? 'ran on' : 'recovered';
}

async function countOf(session: Session): Promise<number> {
  const [row] = await session.query('SELECT count(*) FROM short_memory', [], { timeoutMs: SQL_LIMIT_MS });
  return Number(row?.[0]);
}

async function startOf(session: Session): Promise<{ readonly startedAt: string; readonly standby: boolean }> {
  const [row] = await session.query(STARTED, [], { timeoutMs: SQL_LIMIT_MS });
  return { startedAt: String(row?.[0]), standby: row?.[1] === true };
}

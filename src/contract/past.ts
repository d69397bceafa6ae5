/** What a server went through, by what it remembers: no fault can tell it otherwise. */

import type { NodeControl } from '../cluster/platform.ts';
import { Session } from '../sql/session.ts';

/**
 * `restarted`: it ended in order and was started anew. `crashed`: it was killed and started anew. `recovered`: its
 * processes were ended, and it recovered as after a crash under the same postmaster.
 */
export type Past = 'ran on' | 'restarted' | 'crashed' | 'recovered';

export interface Memory {
  /** When its postmaster was started. */
  readonly startedAt: string;
  /** Rows of a table that outlives a server which ends in order, and no crash recovery. A standby cannot read it. */
  readonly unlogged: number | undefined;
}

const LIMIT_MS = 5_000;
const UNLOGGED = `CREATE UNLOGGED TABLE IF NOT EXISTS short_memory AS SELECT;
  INSERT INTO short_memory SELECT WHERE NOT EXISTS (SELECT FROM short_memory)`;
const STARTED = 'SELECT pg_postmaster_start_time()::text, pg_is_in_recovery()';

/** Gives a server something that it may forget; a standby has its time of start alone. */
export async function remember(node: NodeControl): Promise<Memory> {
  await using session = await connect(node);
  const { startedAt, standby } = await startOf(session);
  if (standby) return { startedAt, unlogged: undefined };
  await session.execute(UNLOGGED, LIMIT_MS);
  return { startedAt, unlogged: await countOf(session) };
}

/** @param before what `remember` gave. */
export async function pastSince(node: NodeControl, before: Memory): Promise<Past> {
  await using session = await connect(node);
  const { startedAt, standby } = await startOf(session);
  const known = before.unlogged !== undefined && !standby;
  const kept = !known || (await countOf(session)) === before.unlogged;
  if (startedAt !== before.startedAt) return kept ? 'restarted' : 'crashed';
  return kept ? 'ran on' : 'recovered';
}

async function countOf(session: Session): Promise<number> {
  const [row] = await session.query('SELECT count(*) FROM short_memory', [], { timeoutMs: LIMIT_MS });
  return Number(row?.[0]);
}

async function startOf(session: Session): Promise<{ readonly startedAt: string; readonly standby: boolean }> {
  const [row] = await session.query(STARTED, [], { timeoutMs: LIMIT_MS });
  return { startedAt: String(row?.[0]), standby: row?.[1] === true };
}

function connect(node: NodeControl): Promise<Session> {
  return Session.connect(node.address(), { applicationName: 'contract', connectTimeoutMs: LIMIT_MS });
}

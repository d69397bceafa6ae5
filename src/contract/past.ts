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
  /** Rows of a table that outlives a server which ends in order, and no crash recovery. */
  readonly unlogged: number;
}

const LIMIT_MS = 5_000;
const UNLOGGED = `CREATE UNLOGGED TABLE IF NOT EXISTS short_memory AS SELECT;
  INSERT INTO short_memory SELECT WHERE NOT EXISTS (SELECT FROM short_memory)`;
const REMEMBERED = 'SELECT pg_postmaster_start_time()::text, (SELECT count(*) FROM short_memory)';

/** Gives a server something that it may forget. */
export async function remember(node: NodeControl): Promise<Memory> {
  await using session = await connect(node);
  await session.execute(UNLOGGED, LIMIT_MS);
  return await memoryOf(session);
}

/** @param before what `remember` gave. */
export async function pastSince(node: NodeControl, before: Memory): Promise<Past> {
  await using session = await connect(node);
  const { startedAt, unlogged } = await memoryOf(session);
  const kept = unlogged === before.unlogged;
  if (startedAt !== before.startedAt) return kept ? 'restarted' : 'crashed';
  return kept ? 'ran on' : 'recovered';
}

async function memoryOf(session: Session): Promise<Memory> {
  const [row] = await session.query(REMEMBERED, [], { timeoutMs: LIMIT_MS });
  return { startedAt: String(row?.[0]), unlogged: Number(row?.[1]) };
}

function connect(node: NodeControl): Promise<Session> {
  return Session.connect(node.address(), { applicationName: 'contract', connectTimeoutMs: LIMIT_MS });
}

/** Detects a pooler that gives each transaction another connection and does not track prepared statements. */

import { randomUUID } from 'node:crypto';
import { openSession } from '../../cluster/open-session.ts';
import type { Address } from '../../model/address.ts';
import type { Session } from '../../sql/session.ts';

const LIMIT_MS = 2_000;
/** `invalid_sql_statement_name`, `duplicate_prepared_statement`, and a pool without a free connection. */
const FORGOTTEN = ['26000', '42P05', 'deadline'];

/**
 * The address as clients must use it. Writes nothing. If one of its questions gets no answer within 2 s, the server may be
 * behind a pooler, and clients send each statement whole, which works either way.
 * @returns the address unchanged if no session can be opened: others report that.
 */
export async function behindPooler(address: Address): Promise<Address> {
  let session: Session;
  try {
    session = await openSession(address, 'inspect', { limitMs: LIMIT_MS });
  } catch {
    return address;
  }
  await using _closing = session;
  try {
    return (await keepsNamed(address, session)) ? address : { ...address, unnamedStatements: 'forgotten' };
  } catch {
    return { ...address, unnamedStatements: 'unsure' };
  }
}

/** Prepares a statement, lets other sessions take its connection, and runs the statement again. */
async function keepsNamed(address: Address, session: Session): Promise<boolean> {
  // A unique name: the pooler's connections may still have the statement of an earlier check.
  const ask = { name: `pgquake_look_${randomUUID()}`, timeoutMs: LIMIT_MS };
  await session.query('SELECT 1', [], ask);
  await using first = await openSession(address, 'inspect', { limitMs: LIMIT_MS });
  await using second = await openSession(address, 'inspect', { limitMs: LIMIT_MS });
  try {
    // A pool of one connection has none for the second session; without it, all sessions would share that one's statements.
    for (const other of [first, second]) await other.execute('BEGIN', LIMIT_MS);
    await session.query('SELECT 1', [], ask);
    return true;
  } catch (error) {
    if (FORGOTTEN.includes(String((error as { code?: unknown }).code))) return false;
    throw error;
  } finally {
    for (const other of [first, second]) await other.execute('ROLLBACK', LIMIT_MS).catch(() => undefined);
  }
}

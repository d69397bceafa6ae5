/** Whether a pooler is in between that gives each transaction another connection, and knows nothing of prepared statements. */

import { randomUUID } from 'node:crypto';
import { openSession } from '../../cluster/open-session.ts';
import type { Address } from '../../model/address.ts';
import type { Session } from '../../sql/session.ts';

const LIMIT_MS = 2_000;
/** `invalid_sql_statement_name`, `duplicate_prepared_statement`, and the pool that has no other connection to give. */
const FORGOTTEN = ['26000', '42P05', 'deadline'];

/**
 * The address as clients have to use it. Writes nothing. A server that does not answer all questions, each within 2 s, may
 * be behind a pooler: there each statement is sent whole, which works either way.
 * @returns it unchanged where no session can be opened: that is told elsewhere.
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

/** Others take the connection on which a statement was prepared; then it is asked for again. */
async function keepsNamed(address: Address, session: Session): Promise<boolean> {
  // A name of its own: the pooler's connections outlive an earlier look, and keep what that one prepared.
  const ask = { name: `pgquake_look_${randomUUID()}`, timeoutMs: LIMIT_MS };
  await session.query('SELECT 1', [], ask);
  await using first = await openSession(address, 'inspect', { limitMs: LIMIT_MS });
  await using second = await openSession(address, 'inspect', { limitMs: LIMIT_MS });
  try {
    // A pool of one has no connection for the second: it would give all sessions the same, with each other's statements.
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

/**
 * Makes logins cheap. Against guessing, PostgreSQL hashes a password 4,096 times at every login. The password of a run is
 * long and random, so pgquake stores it hashed once: clients and nodes connect faster.
 */

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { openSession } from '../../cluster/open-session.ts';
import type { NodeControl } from '../../cluster/platform.ts';
import { quoteName, quoteText } from '../../sql/quote.ts';

const LIMIT_MS = 10_000;

/** Stores the node's password hashed once. Harmless twice; skips standbys, which replicate it. */
export async function makeLoginCheap(node: NodeControl): Promise<void> {
  const address = node.address();
  await using session = await openSession(address, 'provision', {
    limitMs: LIMIT_MS,
    // This commit need not wait for a standby.
    settings: { synchronous_commit: 'local' },
  });
  const [row] = await session.query('SELECT pg_is_in_recovery()', [], { timeoutMs: LIMIT_MS });
  if (row?.[0] === true) return;
  const verifier = scramVerifier(address.password, randomBytes(16), 1);
  await session.execute(`ALTER ROLE ${quoteName(address.user)} PASSWORD ${quoteText(verifier)}`, LIMIT_MS);
}

/**
 * PostgreSQL's stored form of a password (RFC 5803), `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, which it
 * accepts in place of a password. Pure.
 * @param password in ASCII, so that it needs no normalisation.
 */
export function scramVerifier(password: string, salt: Buffer, iterations: number): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}

/**
 * The schema `pgquake` on a user's cluster, for all of pgquake's tables. Its comment has the mark of the run that
 * created it; pgquake drops only a schema with that mark.
 */

import type { Address } from '../model/address.ts';
import { EnvironmentError } from '../model/errors.ts';
import { OBSERVER_NAMES } from '../sql/application-names.ts';
import { quoteText } from '../sql/quote.ts';
import type { Session } from '../sql/session.ts';

export const OWN_SCHEMA = 'pgquake';
const LIMIT_MS = 30_000;
const CONNECT_LIMIT_MS = 10_000;
const OPTIONS = { applicationName: OBSERVER_NAMES.standing, connectTimeoutMs: CONNECT_LIMIT_MS };
const INSUFFICIENT_PRIVILEGE = '42501';
/** Another run has created it after this one checked. */
const DUPLICATE = '42P06';

const READ_MARK = `SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = '${OWN_SCHEMA}'`;

/** The schema's comment, which `\dn+` shows in psql. */
function commentOf(mark: string): string {
  return `made by pgquake, which drops it at the end of its run; ${mark}`;
}

/**
 * @param mark of the run: letters, digits and hyphens.
 * @throws EnvironmentError where the schema exists already, or this user may not create it.
 */
export async function makeOwnSchema(session: Session, mark: string): Promise<void> {
  const [found] = await session.query(READ_MARK, [], { timeoutMs: LIMIT_MS });
  if (found) throw taken(found[0]);
  try {
    await session.execute(
      `BEGIN; CREATE SCHEMA ${OWN_SCHEMA}; COMMENT ON SCHEMA ${OWN_SCHEMA} IS ${quoteText(commentOf(mark))}; COMMIT`,
      LIMIT_MS,
    );
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === DUPLICATE) throw taken(undefined);
    if (code !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new EnvironmentError(`this user may not create the schema ${OWN_SCHEMA}, which has pgquake's tables`, {
      code: 'own-schema',
      hint: 'GRANT CREATE ON DATABASE ... TO ..., or name a user in the inventory who may',
      cause: error,
    });
  }
}

function taken(comment: unknown): EnvironmentError {
  const ours = typeof comment === 'string' && comment.startsWith('made by pgquake');
  return new EnvironmentError(
    `the database already has a schema ${OWN_SCHEMA}${ours ? `, "${comment}"` : ', which pgquake did not create'}`,
    {
      code: 'own-schema',
      hint: ours
        ? 'another run is under way, or was killed: "pgquake heal" with its reports folder drops the schema'
        : 'pgquake touches no schema of others: rename it, or name another database in the inventory',
    },
  );
}

/**
 * Drops the schema if it has the mark. Harmless where it does not, or does not exist.
 * @param addresses of the nodes; the first that accepts writes is used.
 * @returns whether it was dropped.
 * @throws EnvironmentError where no node accepts writes.
 */
export async function dropOwnSchema(addresses: readonly Address[], mark: string): Promise<boolean> {
  try {
    const { connectToFirst } = await import('../sql/hosts.ts');
    await using session = await connectToFirst(addresses, 'read-write', OPTIONS);
    const [found] = await session.query(READ_MARK, [], { timeoutMs: LIMIT_MS });
    if (found?.[0] !== commentOf(mark)) return false;
    await session.execute(`DROP SCHEMA ${OWN_SCHEMA} CASCADE`, LIMIT_MS);
    return true;
  } catch (error) {
    throw new EnvironmentError(`the schema ${OWN_SCHEMA} could not be dropped: ${(error as Error).message}`, {
      code: 'left-behind',
      hint: '"pgquake heal" tries again once a node accepts writes',
      cause: error,
    });
  }
}

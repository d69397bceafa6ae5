/** Rights of the connecting user: faults that use SQL report missing ones before the run starts. */

import type { NodeControl } from '../cluster/platform.ts';
import { askOnce } from './own-sessions.ts';

export const SUPERUSER = '(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)';

/**
 * @param allowed an SQL expression, true for a user with the right.
 * @param needed in words: `superuser, or a member of pg_checkpoint`.
 * @returns what is missing, in words; `undefined` if nothing is.
 */
export async function lackingRight(node: NodeControl, allowed: string, needed: string): Promise<string | undefined> {
  const [row] = await askOnce(node, `SELECT coalesce(${allowed}, false)`);
  return row?.[0] === true ? undefined : `the user ${node.address().user} must be ${needed}`;
}

/** What the user of a connection may do: faults by SQL say before anything starts what he lacks. */

import type { NodeControl } from '../cluster/platform.ts';
import { askOnce } from './own-sessions.ts';

export const SUPERUSER = '(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)';

/**
 * @param allowed an SQL expression that is true for a user who may.
 * @param needed in words: `superuser, or a member of pg_checkpoint`.
 * @returns what is lacking, in words; `undefined` where nothing is.
 */
export async function lackingRight(node: NodeControl, allowed: string, needed: string): Promise<string | undefined> {
  const [row] = await askOnce(node, `SELECT coalesce(${allowed}, false)`);
  return row?.[0] === true ? undefined : `the user ${node.address().user} has to be ${needed}`;
}

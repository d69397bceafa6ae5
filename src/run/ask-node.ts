/** Short queries of the run itself, to a node or by a route. */

import { openSession } from '../cluster/open-session.ts';
import type { NodeControl } from '../cluster/platform.ts';
import type { Route } from '../cluster/route.ts';
import type { Session } from '../sql/session.ts';

export const ASK_TIMEOUT_MS = 5_000;

export function connect(to: NodeControl | Route): Promise<Session> {
  return openSession(to, 'runner', { limitMs: ASK_TIMEOUT_MS });
}

/** @returns the one value of a statement's one row. */
export async function askOne(route: Route, statement: string): Promise<string> {
  await using session = await connect(route);
  const [row] = await session.query(statement, [], { timeoutMs: ASK_TIMEOUT_MS });
  return String(row?.[0]);
}

/** Short questions of the run itself to one node. */

import type { NodeControl } from '../cluster/platform.ts';
import { connectBy, type Route } from '../cluster/route.ts';
import { OBSERVER_NAMES } from '../sql/application-names.ts';
import { Session } from '../sql/session.ts';

export const ASK_TIMEOUT_MS = 5_000;

export function connect(node: NodeControl): Promise<Session> {
  return Session.connect(node.address(), { applicationName: OBSERVER_NAMES.runner, connectTimeoutMs: ASK_TIMEOUT_MS });
}

/** The same, wherever a route leads now. */
export function connectOn(route: Route): Promise<Session> {
  return connectBy(route, { applicationName: OBSERVER_NAMES.runner, connectTimeoutMs: ASK_TIMEOUT_MS });
}

/** @returns the one value of a statement's one row. */
export async function askOne(route: Route, statement: string): Promise<string> {
  await using session = await connectOn(route);
  const [row] = await session.query(statement, [], { timeoutMs: ASK_TIMEOUT_MS });
  return String(row?.[0]);
}

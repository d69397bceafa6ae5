/** The contract's own sessions on one node. */

import type { NodeControl } from '../cluster/platform.ts';
import { Session } from '../sql/session.ts';

export const SQL_LIMIT_MS = 5_000;

/** @param applicationName the name that the server sees; not one of pgquake's by default. */
export function connect(node: NodeControl, applicationName = 'contract'): Promise<Session> {
  return Session.connect(node.address(), { applicationName, connectTimeoutMs: SQL_LIMIT_MS });
}

export async function ask(node: NodeControl, text: string) {
  await using session = await connect(node);
  return await session.query(text, [], { timeoutMs: SQL_LIMIT_MS });
}

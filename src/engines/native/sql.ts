/** How the engine `native` asks its servers, and how they reach each other. */

import type { Address } from '../../model/address.ts';
import type { Row, Session } from '../../sql/session.ts';

const STATEMENT_LIMIT_MS = 30_000;
/**
 * When the other side says nothing at all, not even that packets have come, the next holder is asked. A frozen server is
 * another matter: its machine goes on saying so.
 */
const SILENCE_LIMITS = {
  // Also of a connection that is being made. Three packets are tried by then, and two seconds are a usual deadline.
  tcp_user_timeout: '1500',
  keepalives_idle: '1',
  keepalives_interval: '1',
} as const;

export function ask(session: Session, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return session.query(text, values, { timeoutMs: STATEMENT_LIMIT_MS });
}

export async function execute(session: Session, statements: readonly string[]): Promise<void> {
  if (statements.length > 0) await session.execute(statements.join(';\n'), STATEMENT_LIMIT_MS);
}

/** For a connection from node to node, without its user: libpq takes the first of these that answers. */
export function peerOptions(peers: readonly Address[]): Readonly<Record<string, string>> {
  const [{ database }] = peers as readonly [Address];
  return {
    host: peers.map(({ host }) => host).join(','),
    port: peers.map(({ port }) => port).join(','),
    dbname: database,
    sslmode: 'disable',
    ...SILENCE_LIMITS,
  };
}

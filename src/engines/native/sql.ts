/** Statements of the engine `native`, and connections between its servers. */

import type { Address } from '../../model/address.ts';
import type { Row, Session } from '../../sql/session.ts';

const STATEMENT_LIMIT_MS = 30_000;
/**
 * If the other side is silent and does not even acknowledge packets, libpq tries the next holder. A frozen server is
 * different: its kernel still acknowledges.
 */
const SILENCE_LIMITS = {
  // Also limits connecting. Three packets have been sent by then, before the usual deadline of two seconds.
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

/** For a connection between nodes, without a user: libpq uses the first of these hosts that answers. */
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

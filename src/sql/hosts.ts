/**
 * Connects to the first suitable server of several, like libpq with a list of hosts and `target_session_attrs`, which
 * `pg` lacks. Servers report their state when a session starts (PostgreSQL 14 and newer), so no query is needed.
 */

import { type Address, hostPort } from '../model/address.ts';
import { errorText } from '../model/errors.ts';
import { isOwnLimit } from './outcome.ts';
import { Session, type SessionOptions } from './session.ts';

/** `read-write`: takes writes. `standby`: replays another server's log. */
export type Accepts = 'any' | 'read-write' | 'standby';

export type ConnectOptions = Omit<SessionOptions, 'endsReadOnly'>;

/** The time for each of several servers: a frozen one accepts and never answers. */
const HOST_LIMIT_MS = 1_000;

/** No server is suitable. `code` is `no-host`. */
export class NoHostError extends Error {
  readonly code = 'no-host';

  constructor(accepts: Accepts, reasons: readonly string[]) {
    const wanted = { any: 'accepts a session', 'read-write': 'takes writes', standby: 'is a standby' }[accepts];
    super(`no host ${wanted}: ${reasons.join(', ')}`);
    this.name = 'NoHostError';
  }
}

/**
 * Tries the servers in order; if there are several, each for a second at most.
 * @throws NoHostError with each server's reason; what `Session.connect` throws if there is only one and any will do, or
 * if the client itself can open no connection.
 */
export async function connectToFirst(
  addresses: readonly Address[],
  accepts: Accepts,
  { connectTimeoutMs, ...options }: ConnectOptions,
): Promise<Session> {
  const [only] = addresses;
  if (only && addresses.length === 1 && accepts === 'any') {
    return Session.connect(only, { ...options, connectTimeoutMs });
  }
  const giveUpAt = performance.now() + connectTimeoutMs;
  const reasons: string[] = [];
  for (const address of addresses) {
    const leftMs = giveUpAt - performance.now();
    if (leftMs <= 0) break;
    const refusal = await attempt(address, accepts, {
      ...options,
      connectTimeoutMs: Math.min(leftMs, HOST_LIMIT_MS),
      ...(accepts === 'read-write' ? { endsReadOnly: true } : {}),
    });
    if (refusal instanceof Session) return refusal;
    reasons.push(`${hostPort(address)} ${refusal}`);
  }
  throw new NoHostError(accepts, reasons);
}

/** @returns the session, or why the server is unsuitable. */
async function attempt(address: Address, accepts: Accepts, options: SessionOptions): Promise<Session | string> {
  let session: Session;
  try {
    session = await Session.connect(address, options);
  } catch (error) {
    if (isOwnLimit(error)) throw error;
    const { code } = error as { code?: unknown };
    return typeof code === 'string' ? code : errorText(error);
  }
  const refusal = unfit(accepts, session);
  if (refusal === undefined) return session;
  // Not awaited, so the next attempt starts at once.
  void session.close();
  return refusal;
}

function unfit(accepts: Accepts, session: Session): string | undefined {
  const standby = session.reported('in_hot_standby') === 'on';
  if (accepts === 'standby') return standby ? undefined : 'is not a standby';
  if (accepts === 'any') return undefined;
  if (standby) return 'is a standby';
  return session.reported('default_transaction_read_only') === 'on' ? 'is read-only' : undefined;
}

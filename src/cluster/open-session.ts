/** Opens pgquake's own sessions, to a node or by a route, named by their purpose and with a time limit. */

import type { Address } from '../model/address.ts';
import { OBSERVER_NAMES } from '../sql/application-names.ts';
import type { Session, SessionOptions } from '../sql/session.ts';
import type { NodeControl } from './platform.ts';
import { connectBy, type Route } from './route.ts';

/** What a session is for; determines its name in `pg_stat_activity` (`OBSERVER_NAMES`). */
export type Purpose = keyof typeof OBSERVER_NAMES;

export interface OpenOptions extends Pick<SessionOptions, 'settings' | 'pipeline'> {
  /** For connecting, in milliseconds; 5,000 by default. */
  readonly limitMs?: number;
}

const SESSION_LIMIT_MS = 5_000;

/** @throws as `Session.connect`; by a route, as `connectToFirst`. */
export async function openSession(
  to: Pick<NodeControl, 'address'> | Route | Address,
  purpose: Purpose,
  { limitMs = SESSION_LIMIT_MS, ...settings }: OpenOptions = {},
): Promise<Session> {
  const options = { applicationName: OBSERVER_NAMES[purpose], connectTimeoutMs: limitMs, ...settings };
  if ('addresses' in to) return connectBy(to, options);
  // Imported with the first session: most commands ask no server.
  const { Session } = await import('../sql/session.ts');
  return Session.connect('address' in to ? to.address() : to, options);
}

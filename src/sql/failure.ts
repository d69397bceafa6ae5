/**
 * Errors of pgquake's own sessions, with the node and the statement. `outcome.ts` classifies errors of the load's
 * operations instead.
 */

import { hostPort } from '../model/address.ts';
import { EnvironmentError, errorText, HarnessError } from '../model/errors.ts';
import { withoutSecrets } from '../model/secrets.ts';
import { askedOf } from './asked.ts';

/** SQLSTATEs of pgquake's own mistakes: a syntax error, an unknown name. */
const OWN_MISTAKE = /^42(?!501)/;

/** Codes of a session that no server accepted: none of several would, or none answered in time. */
const WITHOUT_SESSION = new Set(['no-host', 'silent-server', 'client-connections']);

const HINT = "check that server's log and the load of its machine";

/** A server by the name that its owner uses. */
export interface NamedServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/**
 * @returns an `EnvironmentError` for failures of a server or on the way to it; any other error unchanged.
 * @param servers names for addresses; a server without a name is shown by its address.
 */
export function withServer(error: unknown, servers: readonly NamedServer[]): unknown {
  const asked = askedOf(error);
  const { code = '' } = (error ?? {}) as { code?: string };
  if (error instanceof HarnessError || OWN_MISTAKE.test(code)) return error;
  if (!asked) {
    if (!WITHOUT_SESSION.has(code)) return error;
    return new EnvironmentError(withoutSecrets(errorText(error)), { code: 'server-failed', hint: HINT, cause: error });
  }
  const { host, port } = asked.address;
  const name = servers.find((server) => server.host === host && server.port === port)?.name;
  const where = name === undefined ? hostPort(asked.address) : `${name} (${hostPort(asked.address)})`;
  const what = asked.statement === undefined ? 'when pgquake connected' : `to "${asked.statement}"`;
  return new EnvironmentError(withoutSecrets(`${where}: ${errorText(error)} ${what}`), {
    code: 'server-failed',
    hint: HINT,
    cause: error,
  });
}

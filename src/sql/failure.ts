/**
 * What a server did not do for pgquake itself, as an error that names the node and the statement. The load's
 * operations are classified by `outcome.ts`; this is for everything that a run asks on its own behalf.
 */

import { hostPort } from '../model/address.ts';
import { EnvironmentError, errorText, HarnessError } from '../model/errors.ts';
import { withoutSecrets } from '../model/secrets.ts';
import { describedStatement } from './asked.ts';

/** A statement that the server cannot understand is pgquake's own mistake: a syntax error, a name that does not exist. */
const OWN_MISTAKE = /^42(?!501)/;

/** No server had the session at all: none of several would, or none answered in time. */
const WITHOUT_SESSION = new Set(['no-host', 'silent-server', 'client-connections']);

const HINT = 'look at the log of that server and at what else keeps the machine busy';

/** As the machine's owner calls it. */
export interface NamedServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/**
 * @returns an `EnvironmentError` for what failed on the way to a server or in it; anything else as it was.
 * @param servers names for addresses; a server that is not among them is told by its address.
 */
export function withServer(error: unknown, servers: readonly NamedServer[]): unknown {
  const asked = describedStatement(error);
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

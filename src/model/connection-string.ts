/** Connection strings as libpq reads them: a URI, or keywords such as `host=db1 port=5432`. Pure. */

import { withoutBrackets } from './address.ts';
import type { Connection } from './inventory.ts';

const DEFAULT_PORT = 5432;
const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
const KNOWN = ['host', 'port', 'user', 'dbname', 'password', 'sslmode', 'sslrootcert'];
/** `key=value` and `key='a value'` */
const WORD = /^\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s']\S*))(?=\s|$)/;

export type ParsedConnection = { readonly connection: Connection } | { readonly problem: string };

/**
 * Parses a connection string. Refuses one with a password, because files and reports quote it.
 * @returns on failure, a problem that quotes nothing of the text.
 */
export function parseConnection(text: string): ParsedConnection {
  const read = /^postgres(ql)?:\/\//.test(text) ? fromUri(text) : fromWords(text);
  return typeof read === 'string' ? { problem: read } : connectionOf(read);
}

const EXAMPLE = 'such as postgresql://app@10.0.0.5:5432/orders';

function fromUri(text: string): ReadonlyMap<string, string> | string {
  if (!URL.canParse(text)) return `expected a connection string ${EXAMPLE}, found an invalid URI`;
  const { username, password, hostname, port, pathname, searchParams } = new URL(text);
  const parts = new Map<string, string>(searchParams);
  const given = {
    user: username,
    password,
    host: withoutBrackets(hostname),
    port,
    dbname: pathname.slice(1),
  };
  for (const [name, value] of Object.entries(given)) if (value !== '') parts.set(name, decodeURIComponent(value));
  return parts;
}

function fromWords(text: string): ReadonlyMap<string, string> | string {
  const parts = new Map<string, string>();
  let rest = text;
  while (rest.trim() !== '') {
    const found = WORD.exec(rest);
    if (!found)
      return `expected a connection string ${EXAMPLE}, found neither a URI nor keywords such as host=10.0.0.5`;
    const [whole, name = '', quoted, plain] = found;
    parts.set(name, (quoted ?? plain ?? '').replace(/\\(.)/g, '$1'));
    rest = rest.slice(whole.length);
  }
  return parts;
}

function connectionOf(parts: ReadonlyMap<string, string>): ParsedConnection {
  const unknown = [...parts.keys()].find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) {
    return { problem: `expected only ${KNOWN.filter((name) => name !== 'password').join(', ')}, found ${unknown}` };
  }
  if (parts.has('password')) {
    return {
      problem: 'expected no password, found one: use password-file, password-env, PGPASSWORD or ~/.pgpass',
    };
  }
  const [host, user] = [parts.get('host'), parts.get('user')];
  if (host === undefined || user === undefined) {
    return { problem: `expected a host and a user ${EXAMPLE}, found no ${host === undefined ? 'host' : 'user'}` };
  }
  if (host.includes(','))
    return { problem: 'expected one host, found several: write one connection string for each node' };
  const port = Number(parts.get('port') ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return { problem: 'expected a port from 1 to 65535' };
  const sslmode = SSL_MODES.find((mode) => mode === (parts.get('sslmode') ?? 'prefer'));
  if (sslmode === undefined) return { problem: `expected sslmode to be one of ${SSL_MODES.join(', ')}` };
  const sslrootcert = parts.get('sslrootcert');
  return {
    connection: {
      host,
      port,
      user,
      database: parts.get('dbname') ?? user,
      sslmode,
      ...(sslrootcert === undefined ? {} : { sslrootcert }),
    },
  };
}

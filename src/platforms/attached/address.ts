/** Turns a connection of an inventory into an address with its password, and with TLS as in libpq. */

import { openSession } from '../../cluster/open-session.ts';
import type { Address, TlsOptions } from '../../model/address.ts';
import { errorText, InputError } from '../../model/errors.ts';
import type { Connection, PasswordSource } from '../../model/inventory.ts';
import { MAX_WRITTEN_BYTES, readRegularSync } from '../../regular-file.ts';
import { passwordFor } from './password.ts';

const PROBE_LIMIT_MS = 3_000;
/** The driver's message when the server has no TLS. */
const WITHOUT_TLS = 'does not support SSL';

/** @throws InputError when a named password or certificate cannot be read. */
export async function addressOf(connection: Connection, source: PasswordSource): Promise<Address> {
  const { host, port, user, database, sslmode } = connection;
  const plain = { host, port, user, database, password: passwordFor(connection, source) };
  if (sslmode === 'disable' || host.startsWith('/')) return plain;
  const secured = { ...plain, tls: tlsOf(connection) };
  return sslmode === 'prefer' && !(await hasTls(secured)) ? plain : secured;
}

function tlsOf({ sslmode, sslrootcert }: Connection): TlsOptions {
  const ca = sslrootcert === undefined ? undefined : certificate(sslrootcert);
  if (sslmode === 'verify-full') return { verify: 'full', ...(ca === undefined ? {} : { ca }) };
  // As in libpq: with a root certificate, `require` means `verify-ca`.
  const verified = sslmode === 'verify-ca' || (sslmode === 'require' && ca !== undefined);
  return { verify: verified ? 'ca' : 'none', ...(ca === undefined ? {} : { ca }) };
}

function certificate(file: string): string {
  try {
    return readRegularSync(file, MAX_WRITTEN_BYTES).toString('utf8');
  } catch (error) {
    throw new InputError(`the root certificate ${file} cannot be read: ${errorText(error)}`, { code: 'certificate' });
  }
}

/** Asks once; a server that does not answer counts as one without TLS. */
async function hasTls(address: Address): Promise<boolean> {
  try {
    await using _session = await openSession(address, 'standing', { limitMs: PROBE_LIMIT_MS });
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    // An SQLSTATE came over an encrypted connection: the password or the database is wrong, not TLS.
    return !errorText(error).includes(WITHOUT_TLS) && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
  }
}

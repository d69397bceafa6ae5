/**
 * Every error that an operation can end with, turned into what is known about it.
 *
 * A read that failed simply failed. A write is `fail` only where the error proves that nothing was
 * committed; all else is `unknown`, and the final reads tell what became of it.
 *
 * SQLSTATE classes: https://www.postgresql.org/docs/18/errcodes-appendix.html
 */

import { errorText } from '../model/errors.ts';
import type { Outcome } from '../model/history.ts';

export interface Classified {
  readonly outcome: Extract<Outcome, 'fail' | 'unknown'>;
  /** SQLSTATE, the socket's code, `deadline`, or `client` where there is neither. */
  readonly code: string;
  readonly text: string;
}

/** Codes that prove that a statement did nothing: whole classes by two characters, else the full code. */
const CERTAIN: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'no connection was made, nothing was sent'],
  ['ENOTFOUND', 'no connection was made, nothing was sent'],
  ['EHOSTUNREACH', 'no connection was made, nothing was sent'],
  ['22', 'data exception: raised before any commit'],
  ['23', 'constraint violation: the statement was rolled back'],
  ['25006', 'read-only transaction: refused before writing'],
  ['28', 'not authorised: no session was made'],
  ['3D000', 'no such database: no session was made'],
  ['42', 'not valid or not allowed: refused before running'],
  ['53300', 'too many connections: no session was made'],
  ['55P03', 'lock not available: the statement was rolled back'],
  ['40P01', 'deadlock: the statement was rolled back'],
  ['40001', 'serialization failure: the statement was rolled back'],
  ['57P03', 'starting up or shutting down: no session was made'],
  ['08001', 'the server could not reach a node to send the statement to'],
  ['HV00N', 'the server could not reach a node to send the statement to'],
]);

/**
 * @param access what the operation does.
 * @param error whatever it was rejected with.
 * @param sent whether the statement may have reached the server; while connecting it certainly has not.
 */
export function classifyError(access: 'read' | 'write', error: unknown, sent: boolean): Classified {
  const raw = (error as { code?: unknown } | null)?.code;
  const code = typeof raw === 'string' && raw !== '' ? raw : 'client';
  const certain =
    access === 'read' || !sent || CERTAIN.has(code) || (code.length === 5 && CERTAIN.has(code.slice(0, 2)));
  return { outcome: certain ? 'fail' : 'unknown', code, text: errorText(error) };
}

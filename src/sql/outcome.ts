/**
 * Maps every error of an operation to what it proves. The one table of SQLSTATEs and socket errors; docs/outcomes.md
 * shows it.
 *
 * A failed read is `fail`. A write is `fail` only if the error proves that nothing was committed; otherwise it is
 * `unknown`, and the final reads decide. A server that reports an ERROR has rolled back: from the commit record on it
 * can only succeed or crash. No proof are errors about the way to the server or between servers, and errors that can
 * end a session (FATAL) or the server (PANIC) around the commit.
 *
 * SQLSTATE classes: https://www.postgresql.org/docs/18/errcodes-appendix.html
 */

import { errorText } from '../model/errors.ts';
import type { Outcome } from '../model/history.ts';

/** What a code says about a write that may have reached the server, and why. */
export interface Meaning {
  readonly outcome: Extract<Outcome, 'ok' | 'fail' | 'unknown'>;
  readonly reason: string;
}

/** What a client's code says, before the session exists and after the statement may have been sent. */
export interface ClientMeaning {
  readonly connecting: Extract<Outcome, 'fail' | 'unsent'>;
  readonly sent: Extract<Outcome, 'unknown'>;
  readonly reason: string;
}

export interface Classified {
  readonly outcome: Exclude<Outcome, 'ok'>;
  /** SQLSTATE, the socket's code, `deadline`; `client` for an error without a code. */
  readonly code: string;
  readonly text: string;
}

const fail = (reason: string): Meaning => ({ outcome: 'fail', reason });
const unknown = (reason: string): Meaning => ({ outcome: 'unknown', reason });
const ok = (reason: string): Meaning => ({ outcome: 'ok', reason });

const REFUSED = 'refused before running';
const ROLLED_BACK = 'raised by the statement, which was rolled back';
const NO_SESSION = 'no session was made';
const WAY_BROKE = 'the connection to a server broke; the server may have committed';
const SESSION_ENDED = 'the session was ended, perhaps after its commit';
const NOT_REACHED = 'the server could not reach a node to send the statement to';

/** By class (two characters) or by code (five); a code takes precedence. */
export const SQLSTATES: ReadonlyMap<string, Meaning> = new Map([
  ['00', ok('success')],
  ['01', ok('a warning beside a result')],
  ['02', ok('no row, which is a result')],
  ['03', fail(REFUSED)],
  ['08', unknown(WAY_BROKE)],
  ['08001', fail(NOT_REACHED)],
  ['08004', fail(NO_SESSION)],
  ['09', fail(ROLLED_BACK)],
  ['0A', fail(REFUSED)],
  ['0B', fail(REFUSED)],
  ['0F', fail(ROLLED_BACK)],
  ['0L', fail(REFUSED)],
  ['0P', fail(REFUSED)],
  ['0Z', fail(ROLLED_BACK)],
  ['10', fail(ROLLED_BACK)],
  ['20', fail(ROLLED_BACK)],
  ['21', fail(ROLLED_BACK)],
  ['22', fail(ROLLED_BACK)],
  ['23', fail(ROLLED_BACK)],
  ['24', fail(REFUSED)],
  ['25', fail(REFUSED)],
  ['25P03', unknown(SESSION_ENDED)],
  ['25P04', unknown(SESSION_ENDED)],
  ['26', fail(REFUSED)],
  ['27', fail(ROLLED_BACK)],
  ['28', fail(NO_SESSION)],
  ['2B', fail(ROLLED_BACK)],
  ['2D', fail(REFUSED)],
  ['2F', fail(ROLLED_BACK)],
  ['34', fail(REFUSED)],
  ['38', fail(ROLLED_BACK)],
  ['39', fail(ROLLED_BACK)],
  ['3B', fail(REFUSED)],
  ['3D', fail(NO_SESSION)],
  ['3F', fail(REFUSED)],
  ['40', fail('the transaction was rolled back, as the class says')],
  ['40003', unknown('the server itself does not know')],
  ['42', fail(REFUSED)],
  ['44', fail(ROLLED_BACK)],
  ['53', unknown('can stop the server while it writes the commit')],
  ['53300', fail(NO_SESSION)],
  ['53400', fail(ROLLED_BACK)],
  ['54', fail(ROLLED_BACK)],
  ['55', fail(ROLLED_BACK)],
  ['57', unknown(SESSION_ENDED)],
  ['57014', unknown('cancelled, perhaps while another node was committing')],
  ['57P03', fail(NO_SESSION)],
  ['58', unknown('can stop the server while it writes the commit')],
  ['72', fail(ROLLED_BACK)],
  ['F0', unknown('concerns the server, not the statement')],
  ['HV', unknown('between servers: the far one may have committed')],
  ['HV00N', fail(NOT_REACHED)],
  ['P0', fail(ROLLED_BACK)],
  ['XX', unknown('an internal error proves nothing')],
]);

const network = (reason: string): ClientMeaning => ({ connecting: 'fail', sent: 'unknown', reason });
/** While connecting, the limit is the client's, so the operation is `unsent`. */
const own = (reason: string): ClientMeaning => ({ connecting: 'unsent', sent: 'unknown', reason });

/** Errors that no server sent. A socket error after sending never proves that the statement had no effect. */
export const CLIENT_CODES: ReadonlyMap<string, ClientMeaning> = new Map([
  ['ECONNREFUSED', network('nothing listens there')],
  ['ECONNRESET', network('the other side reset the connection')],
  ['ECONNABORTED', network('the connection was ended on this side')],
  ['EPIPE', network('the connection had ended already')],
  ['ENOTCONN', network('the connection had ended already')],
  ['ETIMEDOUT', network('no answer on the network')],
  ['EHOSTUNREACH', network('no route to the host; reported late on an open connection')],
  ['ENETUNREACH', network('no route to the network; reported late on an open connection')],
  ['EHOSTDOWN', network('no route to the host; reported late on an open connection')],
  ['ENETDOWN', network('the network is down')],
  ['ENETRESET', network('the network dropped the connection')],
  ['ENOTFOUND', network('the host name is unknown')],
  ['EAI_AGAIN', network('the host name could not be looked up')],
  ['EMFILE', own('this process has no more file descriptors')],
  ['ENFILE', own('this machine has no more file descriptors')],
  ['EADDRNOTAVAIL', own('this machine has no free port left')],
  ['ENOBUFS', own('this machine has no network buffers left')],
  ['ENOMEM', own('this machine has no memory left')],
  ['client-connections', own("all of the load's connections were busy for too long")],
  ['no-host', network('no host of the route accepts the session')],
  ['silent-server', network("no answer on any of the load's connections within the operation's time")],
  ['deadline', network('no answer within the deadline')],
  ['client', network('an error without a code, such as a connection that ended unexpectedly')],
]);

/** Whether a limit of this machine or process kept a connection from being opened. */
export function isOwnLimit(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && CLIENT_CODES.get(code)?.connecting === 'unsent';
}

/** What a SQLSTATE says about a write; `undefined` if it is invalid or of an unknown class. */
export function meaningOf(sqlState: string): Meaning | undefined {
  if (sqlState.length !== 5) return undefined;
  return SQLSTATES.get(sqlState) ?? SQLSTATES.get(sqlState.slice(0, 2));
}

/** @param sent whether the statement may have reached the server; false while connecting. */
export function classifyError(access: 'read' | 'write', error: unknown, sent: boolean): Classified {
  const raw = (error as { code?: unknown } | null)?.code;
  const code = typeof raw === 'string' && raw !== '' ? raw : 'client';
  return { outcome: outcomeOf(access, code, sent), code, text: errorText(error) };
}

function outcomeOf(access: 'read' | 'write', code: string, sent: boolean): Classified['outcome'] {
  if (!sent) return CLIENT_CODES.get(code)?.connecting ?? 'fail';
  if (access === 'read') return 'fail';
  // An error with a success code contradicts itself, so it proves nothing.
  return meaningOf(code)?.outcome === 'fail' ? 'fail' : 'unknown';
}

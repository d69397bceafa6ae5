/** Health of a node without PostgreSQL, seen from outside: does its program serve? */

import { connect } from 'node:net';
import type { NodeControl } from '../cluster/platform.ts';
import { type Address, hostPort } from '../model/address.ts';
import { errorText } from '../model/errors.ts';

/** @param path answers HTTP 200 while the program is healthy; if empty, accepting connections is enough. */
export function healthCheck(node: Pick<NodeControl, 'address'>, path: string): NonNullable<NodeControl['health']> {
  return path === ''
    ? (limitMs) => connectionRefusal(node.address(), limitMs)
    : (limitMs) => requestRefusal(node.address(), path, limitMs);
}

type Place = Pick<Address, 'host' | 'port'>;

async function requestRefusal({ host, port }: Place, path: string, limitMs: number): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://${hostPort({ host, port })}${path}`, { signal: AbortSignal.timeout(limitMs) });
    await answer.body?.cancel();
    return answer.status === 200 ? undefined : `HTTP status ${answer.status} at ${path}`;
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown } };
    return typeof cause?.code === 'string' ? cause.code : errorText(error);
  }
}

/**
 * @param place a host that starts with `/` is the folder of a server's Unix socket.
 * @returns why no connection could be opened; `undefined` if one could.
 */
export function connectionRefusal({ host, port }: Place, limitMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    const settle = (refusal: string | undefined) => {
      socket.destroy();
      resolve(refusal);
    };
    socket.setTimeout(limitMs, () => settle(`no connection within ${limitMs} ms`));
    socket.once('connect', () => settle(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  });
}

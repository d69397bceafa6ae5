/** Looks at a node that is no PostgreSQL server from outside: does what runs on it serve? */

import { connect } from 'node:net';
import type { NodeControl } from '../cluster/platform.ts';
import { hostPort } from '../model/address.ts';
import { errorText } from '../model/errors.ts';

/** @param path answers 200 over HTTP while all is well; empty where it is enough that connections are accepted. */
export function healthCheck(node: Pick<NodeControl, 'address'>, path: string): NonNullable<NodeControl['health']> {
  return path === ''
    ? (limitMs) => connectionRefusal(node.address(), limitMs)
    : (limitMs) => requestRefusal(node.address(), path, limitMs);
}

interface Place {
  readonly host: string;
  readonly port: number;
}

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

/** @returns why a connection could not be opened; `undefined` where it could. */
export function connectionRefusal({ host, port }: Place, limitMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (refusal: string | undefined) => {
      socket.destroy();
      resolve(refusal);
    };
    socket.setTimeout(limitMs, () => settle(`no connection within ${limitMs} ms`));
    socket.once('connect', () => settle(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  });
}

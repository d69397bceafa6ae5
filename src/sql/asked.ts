/** Which server and which statement an error of a session came from. */

import type { Address } from '../model/address.ts';

/** Where an error of a session happened. */
export interface Asked {
  readonly address: Pick<Address, 'host' | 'port'>;
  /** Its first 100 characters; absent where the connection itself was not made. */
  readonly statement?: string;
}

const ASKED = new WeakMap<object, Asked>();
const SHOWN_CHARACTERS = 100;

/** @param statement absent where the connection itself was not made. */
export function noteAsked(error: object, { host, port }: Address, statement: string | undefined): void {
  ASKED.set(error, {
    address: { host, port },
    ...(statement === undefined ? {} : { statement: shortened(statement) }),
  });
}

/** The server and the statement that an error of a session came from; `undefined` for any other error. */
export function describedStatement(error: unknown): Asked | undefined {
  return typeof error === 'object' && error !== null ? ASKED.get(error) : undefined;
}

function shortened(statement: string): string {
  const line = statement.replace(/\s+/g, ' ').trim();
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line;
}

/** Remembers which server and statement a session's error came from. */

import type { Address } from '../model/address.ts';

/** Where an error of a session happened. */
export interface Asked {
  readonly address: Pick<Address, 'host' | 'port'>;
  /** Its first 100 characters; absent if connecting failed. */
  readonly statement?: string;
}

const ASKED = new WeakMap<object, Asked>();
const SHOWN_CHARACTERS = 100;

/** @param statement absent if connecting failed. */
export function noteAsked(error: object, { host, port }: Address, statement: string | undefined): void {
  ASKED.set(error, {
    address: { host, port },
    ...(statement === undefined ? {} : { statement: shortened(statement) }),
  });
}

/** The server and statement of a session's error; `undefined` for any other error. */
export function askedOf(error: unknown): Asked | undefined {
  return typeof error === 'object' && error !== null ? ASKED.get(error) : undefined;
}

function shortened(statement: string): string {
  const line = statement.replace(/\s+/g, ' ').trim();
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line;
}

/** An oracle sees a fault independently of it: through a client, the operating system or a container engine. */

import type { NodeControl } from '../cluster/platform.ts';
import type { Clients, Kind } from './clients.ts';
import type { Past } from './past.ts';

export interface Oracle {
  /** The clients that it needs; a kind that is named twice gets two clients. */
  readonly kinds: readonly Kind[];
  /** Statements of its own kinds: `{ slow: 'SELECT pg_sleep(0.2)' }`. Clients keep the first value of an answer. */
  readonly statements?: Readonly<Record<string, string>>;
  /** Clients that must stay undisturbed, which distinguishes the fault from a node that is down. */
  readonly spared?: readonly Kind[];
  /** How long the fault must last to be seen; 600 ms by default. */
  readonly forMs?: number;
  /** @returns what the clients saw; `undefined` if nothing. An oracle needs `sees` or `looks`. */
  sees?(clients: Clients): string | undefined;
  /**
   * Called in the middle of the fault, if the clients alone cannot see it.
   * @param others the nodes that are not struck.
   */
  looks?(node: NodeControl, others: readonly NodeControl[]): Promise<string | undefined>;
  /** What happened to the server, according to its memory after healing; `ran on` by default. */
  readonly past?: Past;
  /** Another fault of the suite, whose strike this oracle must not see. */
  readonly unlike?: string;
}

/** The evidence by which a strike is judged. */
export interface Witnessed {
  readonly clients: Clients;
  /** What `looks` saw. */
  readonly looked: string | undefined;
  readonly past: Past;
}

/** @returns what was seen, if it is everything that the oracle asks for; else `undefined`. */
export function seenBy({ sees, looks, spared = [], past = 'ran on' }: Oracle, seen: Witnessed): string | undefined {
  const { clients, looked } = seen;
  const disturbed = spared.some((kind) => clients.of(kind).some(({ code }) => code !== undefined));
  const words = [...(sees ? [sees(clients)] : []), ...(looks ? [looked] : [])];
  if (words.length === 0) throw new Error('an oracle needs sees or looks');
  return disturbed || words.includes(undefined) || seen.past !== past ? undefined : words.join(', ');
}

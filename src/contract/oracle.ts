/** Somebody else who sees a fault: what a client, the operating system or a container engine notices of it. */

import type { NodeControl } from '../cluster/platform.ts';
import type { Clients, Kind } from './clients.ts';
import type { Past } from './past.ts';

export interface Oracle {
  /** The clients that it needs; a kind that is named twice has two of them. */
  readonly kinds: readonly Kind[];
  /** What clients of kinds of its own send: `{ slow: 'SELECT pg_sleep(0.2)' }`. The first value answered is kept. */
  readonly statements?: Readonly<Record<string, string>>;
  /** Clients that go on undisturbed: told apart from a node that is simply away. */
  readonly spared?: readonly Kind[];
  /** How long the fault must be there for it to be seen; 600 ms by default. */
  readonly forMs?: number;
  /** @returns what the clients saw, `undefined` where it was nothing. One of the two is needed. */
  sees?(clients: Clients): string | undefined;
  /**
   * Looked at in the middle of the fault, where the clients alone do not tell.
   * @param others the nodes that are not struck.
   */
  looks?(node: NodeControl, others: readonly NodeControl[]): Promise<string | undefined>;
  /** What the server went through, by what it remembers once it is healed. It ran on by default. */
  readonly past?: Past;
  /** Another fault of the suite that it must not be taken for: where that one strikes, this oracle sees nothing. */
  readonly unlike?: string;
}

/** What there is to judge a strike by. */
export interface Witnessed {
  readonly clients: Clients;
  /** What `looks` saw. */
  readonly looked: string | undefined;
  readonly past: Past;
}

/** @returns what was seen, where all that the oracle asks for was; `undefined` else. */
export function seenBy({ sees, looks, spared = [], past = 'ran on' }: Oracle, seen: Witnessed): string | undefined {
  const { clients, looked } = seen;
  const disturbed = spared.some((kind) => clients.of(kind).some(({ code }) => code !== undefined));
  const words = [...(sees ? [sees(clients)] : []), ...(looks ? [looked] : [])];
  if (words.length === 0) throw new Error('an oracle needs sees or looks');
  return disturbed || words.includes(undefined) || seen.past !== past ? undefined : words.join(', ');
}

/** Somebody else who sees a fault: what a client, the operating system or a container engine notices of it. */

import type { NodeControl } from '../cluster/platform.ts';
import type { Clients, Kind } from './clients.ts';

export interface Oracle {
  /** The clients that it needs. */
  readonly kinds: readonly Kind[];
  /** What clients of kinds of its own send: `{ slow: 'SELECT pg_sleep(0.2)' }`. The first value answered is kept. */
  readonly statements?: Readonly<Record<string, string>>;
  /** Clients that go on undisturbed: told apart from a node that is simply away. */
  readonly spared?: readonly Kind[];
  /** How long the fault must be there for it to be seen; 600 ms by default. */
  readonly forMs?: number;
  /** @returns what was seen, `undefined` where it was nothing. */
  sees(clients: Clients): string | undefined;
  /** Looked at in the middle of the fault, where the clients alone do not tell. */
  looks?(node: NodeControl): Promise<string | undefined>;
}

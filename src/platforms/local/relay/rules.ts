/** Rules of a relay, and how many packets each has met. */

import type { PacketRule } from '../../../cluster/platform.ts';
import type { NodeName } from '../../../model/topology.ts';
import type { Filtered, PacketFilter } from './packet-filter.ts';

/** A rule with its peer's name; without a peer it applies to everybody. */
export interface NamedRule extends Omit<PacketRule, 'peer'> {
  readonly peer?: NodeName;
}

export class Rule {
  readonly verdict: PacketRule['verdict'];
  readonly share: number;
  readonly text: Buffer | undefined;
  readonly established: boolean;
  /** False once the rule is removed. */
  inForce = true;
  /** Packets met in this process; `met` adds those that the kernel dropped. */
  hits = 0;
  readonly #filter: Pick<PacketFilter, 'dropped'>;
  readonly #watched = new Map<Filtered, { readonly before: number; met: number }>();

  constructor({ verdict, share = 1, text, established = false }: NamedRule, filter: Pick<PacketFilter, 'dropped'>) {
    if (share < 1 && (verdict === 'reset' || text !== undefined))
      throw new Error('a relay drops a share of packets only without a text, and resets no share');
    this.verdict = verdict;
    this.share = share;
    this.text = text === undefined ? undefined : Buffer.from(text);
    this.established = established;
    this.#filter = filter;
  }

  /** The share of packets that the kernel must drop for this rule; 0 if it waits for a text. */
  get dropped(): number {
    return this.verdict === 'drop' && this.text === undefined ? this.share : 0;
  }

  /** Starts to count what the kernel drops at the socket. */
  watch(socket: Filtered): void {
    if (!this.#watched.has(socket)) this.#watched.set(socket, { before: this.#filter.dropped(socket), met: 0 });
  }

  /** Forgets a socket. For a closed one the last look counts: the kernel keeps no number for it. */
  unwatch(socket: Filtered): void {
    this.look();
    this.hits += this.#watched.get(socket)?.met ?? 0;
    this.#watched.delete(socket);
  }

  /** How many packets the rule has met so far; never decreases. */
  get met(): number {
    this.look();
    return [...this.#watched.values()].reduce((sum, { met }) => sum + met, this.hits);
  }

  /** Reads the kernel's counts while the sockets are open. */
  look(): void {
    for (const [socket, seen] of this.#watched) {
      seen.met = Math.max(seen.met, this.#filter.dropped(socket) - seen.before);
    }
  }
}

/** The share of packets that several independent rules drop together. */
export function shareDropped(rules: readonly Rule[]): number {
  return 1 - rules.reduce((passing, { dropped }) => passing * (1 - dropped), 1);
}

/** Rules as a relay keeps them, and how many packets each has met. */

import type { PacketRule } from '../../../cluster/platform.ts';
import type { NodeName } from '../../../model/topology.ts';
import type { Filtered, PacketFilter } from './packet-filter.ts';

/** A rule with its peer by name; everybody where it has none. */
export interface NamedRule extends Omit<PacketRule, 'peer'> {
  readonly peer?: NodeName;
}

export class Rule {
  readonly verdict: PacketRule['verdict'];
  readonly share: number;
  readonly text: Buffer | undefined;
  readonly established: boolean;
  /** False once it was removed. */
  inForce = true;
  /** What it met in this process; what the kernel dropped for it is in `met`. */
  hits = 0;
  readonly #filter: Pick<PacketFilter, 'dropped'>;
  readonly #watched = new Map<Filtered, { readonly before: number; met: number }>();

  constructor({ verdict, share = 1, text, established = false }: NamedRule, filter: Pick<PacketFilter, 'dropped'>) {
    if (share < 1 && (verdict === 'reset' || text !== undefined)) throw new Error('a relay resets all or nothing');
    this.verdict = verdict;
    this.share = share;
    this.text = text === undefined ? undefined : Buffer.from(text);
    this.established = established;
    this.#filter = filter;
  }

  /** The share of packets that the kernel is to drop for it, beside what holds a text. */
  get dropped(): number {
    return this.verdict === 'drop' && this.text === undefined ? this.share : 0;
  }

  /** Counts from now on what the kernel drops at the socket. */
  watch(socket: Filtered): void {
    if (!this.#watched.has(socket)) this.#watched.set(socket, { before: this.#filter.dropped(socket), met: 0 });
  }

  /** Forgets a socket. Of one that is closed counts what was seen before: the kernel keeps no number for it. */
  unwatch(socket: Filtered): void {
    this.look();
    this.hits += this.#watched.get(socket)?.met ?? 0;
    this.#watched.delete(socket);
  }

  /** How many packets it has met so far; never fewer than it said before. */
  get met(): number {
    this.look();
    return [...this.#watched.values()].reduce((sum, { met }) => sum + met, this.hits);
  }

  /** Reads what the kernel has counted, as long as it can be read. */
  look(): void {
    for (const [socket, seen] of this.#watched) {
      seen.met = Math.max(seen.met, this.#filter.dropped(socket) - seen.before);
    }
  }
}

/** The share of packets that vanish where several rules drop some, each on its own. */
export function shareDropped(rules: readonly Rule[]): number {
  return 1 - rules.reduce((passing, { dropped }) => passing * (1 - dropped), 1);
}

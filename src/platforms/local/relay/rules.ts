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
  readonly #filter: PacketFilter;
  readonly #droppedBefore = new Map<Filtered, number>();

  constructor({ verdict, share = 1, text, established = false }: NamedRule, filter: PacketFilter) {
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
    if (!this.#droppedBefore.has(socket)) this.#droppedBefore.set(socket, this.#filter.dropped(socket));
  }

  /** Forgets a socket; what was dropped there counts only where it is not closed yet. */
  unwatch(socket: Filtered): void {
    const before = this.#droppedBefore.get(socket);
    if (before === undefined) return;
    this.hits += Math.max(0, this.#filter.dropped(socket) - before);
    this.#droppedBefore.delete(socket);
  }

  /** How many packets it has met so far. */
  get met(): number {
    let sum = this.hits;
    for (const [socket, before] of this.#droppedBefore) sum += Math.max(0, this.#filter.dropped(socket) - before);
    return sum;
  }
}

/** The share of packets that vanish where several rules drop some, each on its own. */
export function shareDropped(rules: readonly Rule[]): number {
  return 1 - rules.reduce((passing, { dropped }) => passing * (1 - dropped), 1);
}

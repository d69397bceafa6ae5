/** Which node had acknowledged the lost writes: the one that had them before it was rewound. */

import type { LostByNodeFigures } from '../model/figures.ts';
import { eventsOf, type History } from '../model/history.ts';
import { KeySet } from '../model/key-ranges.ts';
import type { NodeName } from '../model/topology.ts';

/** Every row of a former primary, read before it became a standby. */
export interface Branch {
  readonly node: NodeName;
  readonly timeline: number;
  readonly branch: KeySet;
}

export function branchesOf(history: Pick<History, 'events'>): Branch[] {
  return eventsOf(history, 'fork-read').map(({ node, timeline, read }) => ({
    node,
    timeline,
    branch: KeySet.fromRanges(read.present),
  }));
}

interface Counted {
  readonly node: NodeName | null;
  readonly timeline?: number;
  readonly branch?: KeySet;
  count: number;
  firstMs: number;
  lastMs: number;
}

/** Takes lost writes one by one; keeps only counts. */
export class LostByNode {
  readonly #branches: readonly Counted[];
  readonly #unread: Counted = { node: null, count: 0, firstMs: Infinity, lastMs: -Infinity };

  constructor(history: Pick<History, 'events'>) {
    this.#branches = branchesOf(history).map((branch) => ({
      ...branch,
      count: 0,
      firstMs: Infinity,
      lastMs: -Infinity,
    }));
  }

  /** @param settledAt when it was acknowledged. */
  add(writer: number, seq: number, settledAt: number): void {
    const counted = this.#branches.find(({ branch }) => branch?.has(writer, seq)) ?? this.#unread;
    counted.count++;
    counted.firstMs = Math.min(counted.firstMs, settledAt);
    counted.lastMs = Math.max(counted.lastMs, settledAt);
  }

  /** For each node that lost any; those that no node was seen to have come last. */
  figures(): LostByNodeFigures[] {
    return [...this.#branches, this.#unread]
      .filter(({ count }) => count > 0)
      .map(({ branch: _, ...figures }) => figures);
  }
}

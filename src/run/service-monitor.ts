/** Watches the load as it settles and tells when service is as it should be again. */

import type { OperationKind, OperationLog } from '../model/history.ts';
import type { RunListener } from './recorder.ts';

/**
 * Service is restored when for this long nearly all that was due has succeeded, which is longer than the second that a
 * recovery is measured by, and for slow kinds at least three of their operations; and, where that is asked for, when every
 * partition key whose last read was in vain has been read since: a slow load would not come to it before it ends.
 */
const SUSTAINED_MS = 2_500;
const SUSTAINED_OPERATIONS = 3;
const SUSTAINED_SHARE = 0.95;

interface Recent {
  readonly intendedAt: number;
  readonly ok: boolean;
}

export class ServiceMonitor implements RunListener {
  readonly #recent: ReadonlyMap<string, Recent[]>;
  /** Partition keys whose last read was not answered, of each kind that reads one. */
  readonly #refused: ReadonlyMap<string, Set<number>>;
  readonly #kinds: readonly OperationKind[];

  /** @param asksAgain see `RunOptions`. */
  constructor(kinds: readonly OperationKind[], { asksAgain }: { readonly asksAgain: boolean }) {
    this.#kinds = kinds.filter((kind) => kind.ratePerSecond > 0);
    this.#recent = new Map(this.#kinds.map((kind) => [kind.name, []]));
    const keyed = this.#kinds.filter(({ access, scope }) => asksAgain && access === 'read' && scope === 'partition');
    this.#refused = new Map(keyed.map((kind) => [kind.name, new Set()]));
  }

  operations(batch: OperationLog): void {
    for (const { kind, intendedAt, outcome, partitionKey } of batch.scan()) {
      if (outcome === 'unsent') continue;
      this.#recent.get(kind)?.push({ intendedAt, ok: outcome === 'ok' });
      if (partitionKey === undefined) continue;
      if (outcome === 'ok') this.#refused.get(kind)?.delete(partitionKey);
      else this.#refused.get(kind)?.add(partitionKey);
    }
  }

  /** Whether every kind has been served for a while before `nowMs`, and that while lies after `sinceMs`. */
  restored(nowMs: number, sinceMs: number): boolean {
    if ([...this.#refused.values()].some(({ size }) => size > 0)) return false;
    return this.#kinds.every((kind) => {
      const intervalMs = 1_000 / kind.ratePerSecond;
      const from = nowMs - Math.max(SUSTAINED_MS, SUSTAINED_OPERATIONS * intervalMs);
      if (from < sinceMs) return false;
      const recent = this.#recent.get(kind.name) as Recent[];
      const firstKept = recent.findIndex((entry) => entry.intendedAt >= from);
      recent.splice(0, firstKept === -1 ? recent.length : firstKept);
      // By chance there may be far fewer than the rate says.
      const least = kind.schedule === 'poisson' ? 0.5 : SUSTAINED_SHARE;
      const expected = (nowMs - from) / intervalMs;
      const ok = recent.filter((entry) => entry.ok).length;
      // The last one or two may still be under way, or not handed over yet.
      return ok >= Math.max(1, Math.floor(expected * least) - 2) && ok / recent.length >= SUSTAINED_SHARE;
    });
  }
}

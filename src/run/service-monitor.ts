/** Watches the load and tells when service is restored. */

import type { OperationKind, OperationLog } from '../model/history.ts';
import type { RunListener } from './recorder.ts';

/**
 * Service is restored when nearly all due operations, and at least three of each kind, have succeeded for this long,
 * which exceeds the second by which recovery is measured. With `asksAgain`, every partition key whose last read failed
 * must also have been read since.
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
  /** Partition keys whose last read failed, for each kind that reads one. */
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

  /** Whether every kind has been served long enough before `nowMs`, counting only the time after `sinceMs`. */
  restored(nowMs: number, sinceMs: number): boolean {
    if ([...this.#refused.values()].some(({ size }) => size > 0)) return false;
    return this.#kinds.every((kind) => {
      const intervalMs = 1_000 / kind.ratePerSecond;
      const from = nowMs - Math.max(SUSTAINED_MS, SUSTAINED_OPERATIONS * intervalMs);
      if (from < sinceMs) return false;
      const recent = this.#recent.get(kind.name) as Recent[];
      const firstKept = recent.findIndex((entry) => entry.intendedAt >= from);
      recent.splice(0, firstKept === -1 ? recent.length : firstKept);
      // With random arrivals there may be far fewer than the rate says.
      const least = kind.schedule === 'poisson' ? 0.5 : SUSTAINED_SHARE;
      const expected = (nowMs - from) / intervalMs;
      const ok = recent.filter((entry) => entry.ok).length;
      // The last one or two may be under way or not handed over.
      return ok >= Math.max(1, Math.floor(expected * least) - 2) && ok / recent.length >= SUSTAINED_SHARE;
    });
  }
}

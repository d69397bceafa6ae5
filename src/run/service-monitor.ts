/** Watches the load as it settles and tells when service is as it should be again. */

import type { Operation, OperationKind } from '../model/history.ts';
import type { RunListener } from './recorder.ts';

/** Service is restored when for this long nearly all that was due has succeeded. */
const SUSTAINED_MS = 1_000;
const SUSTAINED_SHARE = 0.95;

interface Recent {
  readonly intendedAt: number;
  readonly ok: boolean;
}

export class ServiceMonitor implements RunListener {
  readonly #recent: ReadonlyMap<string, Recent[]>;
  readonly #kinds: readonly OperationKind[];

  constructor(kinds: readonly OperationKind[]) {
    this.#kinds = kinds.filter((kind) => kind.ratePerSecond > 0);
    this.#recent = new Map(this.#kinds.map((kind) => [kind.name, []]));
  }

  operations(batch: readonly Operation[]): void {
    for (const { kind, intendedAt, outcome } of batch) {
      if (outcome !== 'unsent') this.#recent.get(kind)?.push({ intendedAt, ok: outcome === 'ok' });
    }
  }

  /** Whether every kind was served in the last second before `nowMs`, counted by intended starts after `sinceMs`. */
  restored(nowMs: number, sinceMs: number): boolean {
    const from = nowMs - SUSTAINED_MS;
    if (from < sinceMs) return false;
    return this.#kinds.every((kind) => {
      const recent = this.#recent.get(kind.name) as Recent[];
      const firstKept = recent.findIndex((entry) => entry.intendedAt >= from);
      recent.splice(0, firstKept === -1 ? recent.length : firstKept);
      const expected = (kind.ratePerSecond * SUSTAINED_MS) / 1_000;
      const ok = recent.filter((entry) => entry.ok).length;
      // What is still under way counts as missing; a kind slower than one a second needs one success.
      return ok >= Math.max(1, Math.floor(expected * SUSTAINED_SHARE) - 1) && ok / recent.length >= SUSTAINED_SHARE;
    });
  }
}

/** What keeps a run from doing harm that nobody asked for: it looks at the service and at the time. */

import { EnvironmentError } from '../model/errors.ts';
import type { OperationLog } from '../model/history.ts';
import type { AbortCondition, Guards } from '../model/scenario.ts';
import { formatDuration, formatShare } from '../model/units.ts';
import type { RunListener } from './recorder.ts';

/** On top of the times that a plan names: for making a cluster and healing it on a slow machine. */
const SPARE_MS = 15 * 60_000;
/** A steady state of fewer operations of a kind says nothing about it. */
const LEAST_OPERATIONS = 20;
const STEADY_SHARE = 0.9;

interface Settled {
  readonly intendedAt: number;
  readonly ok: boolean;
}

/** Follows the load, kind by kind. */
export class ServiceGuard implements RunListener {
  readonly #conditions: readonly AbortCondition[];
  readonly #keepMs: number;
  readonly #settled = new Map<string, Settled[]>();

  constructor(conditions: readonly AbortCondition[], steadyStateMs: number) {
    this.#conditions = conditions;
    this.#keepMs = Math.max(steadyStateMs, ...conditions.map(({ forMs }) => forMs));
  }

  operations(batch: OperationLog): void {
    for (const { kind, intendedAt, outcome } of batch.scan()) {
      if (outcome === 'unsent') continue;
      const settled = this.#settled.get(kind) ?? [];
      this.#settled.set(kind, settled);
      settled.push({ intendedAt, ok: outcome === 'ok' });
      const tooOld = settled.findIndex((entry) => entry.intendedAt >= intendedAt - this.#keepMs);
      if (tooOld > LEAST_OPERATIONS) settled.splice(0, tooOld);
    }
  }

  /** Why the load so far is no steady state; `undefined` where it is one, or too short to tell. */
  unsteady(): string | undefined {
    for (const [kind, settled] of this.#settled) {
      const ok = settled.filter((entry) => entry.ok).length;
      if (settled.length >= LEAST_OPERATIONS && ok / settled.length < STEADY_SHARE) {
        return `${kind}: ${ok} of ${settled.length} ok`;
      }
    }
    return undefined;
  }

  /** The first condition that holds, in words. One that could not have held for its whole time yet does not. */
  tripped(nowMs: number, sinceMs: number): string | undefined {
    for (const { of, below, forMs } of this.#conditions) {
      if (nowMs - forMs < sinceMs) continue;
      const recent = (this.#settled.get(of) ?? []).filter(({ intendedAt }) => intendedAt >= nowMs - forMs);
      const ok = recent.filter((entry) => entry.ok).length;
      if (recent.length === 0 || ok / recent.length >= below) continue;
      return `${of}: ${ok} of ${recent.length} ok within ${formatDuration(forMs)}, less than ${formatShare(below)}`;
    }
    return undefined;
  }
}

/** How long a run may take at most, in milliseconds: what its scenario says, or its own times and a quarter of an hour. */
export function limitOf(guards: Guards | undefined, plannedMs: number): number {
  return guards?.limitMs ?? plannedMs + SPARE_MS;
}

/**
 * A signal that is aborted when another one is, or when a time limit has passed.
 * @param limitMs from now on.
 */
export class DeadMansSwitch implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal;
  readonly #forward = () => this.#controller.abort(this.#outer.reason);

  constructor(outer: AbortSignal, limitMs: number) {
    this.#outer = outer;
    const passed = new EnvironmentError(`the run took more than ${formatDuration(limitMs)}`, {
      code: 'run-limit',
      hint: 'see in the report where the time went; guards: { limit: 2h } in the scenario allows more',
    });
    this.#timer = setTimeout(() => this.#controller.abort(passed), limitMs);
    outer.addEventListener('abort', this.#forward);
    if (outer.aborted) this.#forward();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#forward);
  }
}

/**
 * Recovery time: from a fault in effect to the start of the first second that is as before; and the time to the first
 * success after the kind's first outage (docs/measuring.md#recovery).
 *
 * A second is as before if it begins with a success, at least 95 % of its operations succeeded, and their p99 is at
 * most twice the steady state's or 50 ms, whichever is more. For kinds slower than three operations a second, the
 * second is the time of three operations.
 *
 * A brief return does not count, not even of one partition: the second must begin after the end, and the last failure,
 * of every outage of the kind in the act's time, which ends when healing or the next act is requested. What healing
 * itself disturbs is not part of the recovery. Each of several acts is judged from its own effect; the worst counts.
 */

import type { Recovery, ServiceWindow } from '../model/figures.ts';
import type { History, OperationKind } from '../model/history.ts';
import { OK, UNSENT } from '../model/operations.ts';
import { type ActTimes, actsOf } from './spans.ts';

const SUSTAINED_MS = 1_000;
const SUSTAINED_OPERATIONS = 3;
const SUSTAINED_SHARE = 0.95;
const P99_FACTOR = 2;
const P99_FLOOR_MS = 50;

/**
 * @param steadyP99Ms of each kind; `undefined` if nothing succeeded in the steady state.
 * @returns one for each kind that had operations after a fault took effect; empty if no fault did.
 */
export function recoveries(
  history: History,
  windows: readonly ServiceWindow[],
  steadyP99Ms: (kind: string) => number | undefined,
): Recovery[] {
  const acts = actsOf(history);
  const searches = new Map(
    history.run.kinds
      .filter((kind) => kind.ratePerSecond > 0)
      .map((kind) => {
        const outages = windows.filter((w) => w.type === 'outage' && w.kind === kind.name);
        const limitMs = Math.max(P99_FACTOR * (steadyP99Ms(kind.name) ?? 0), P99_FLOOR_MS);
        return [kind.name, new RestorationSearch(kind, goalsOf(acts, outages), limitMs)];
      }),
  );
  const { count, kinds, columns } = history.operations.data;
  const searchOf = kinds.map((name) => searches.get(name));
  for (let row = 0; row < count; row++) {
    const search = searchOf[columns.kind[row] as number];
    const outcome = columns.outcome[row];
    if (!search || search.done || outcome === UNSENT) continue;
    search.add(columns.intendedAt[row] as number, outcome === OK, (columns.settledAfterUs[row] as number) / 1_000);
  }
  return [...searches.values()].flatMap((search) => search.end() ?? []);
}

/** The search for the recovery from one act. */
interface Goal {
  readonly effectMs: number;
  /** Outages in this act's time, of the kind or of one of its partitions, by their end. */
  readonly outages: readonly ServiceWindow[];
  readonly outagesEndMs: number;
  /** The last failure before the outages' end. */
  lastFailureMs: number;
  found: { readonly atMs: number; readonly recoveryMs: number; readonly uncertaintyMs: number } | undefined;
}

function goalsOf(acts: readonly ActTimes[], outages: readonly ServiceWindow[]): Goal[] {
  return acts.flatMap(({ askedMs, effectMs, healAskedMs }) => {
    if (effectMs === undefined) return [];
    const nextAskedMs = acts.find((other) => other.askedMs > askedMs)?.askedMs;
    const untilMs = Math.max(effectMs, Math.min(healAskedMs ?? Infinity, nextAskedMs ?? Infinity));
    const ofAct = outages
      .filter(({ fromMs, toMs }) => fromMs < untilMs && toMs > askedMs)
      .toSorted((a, b) => a.toMs - b.toMs);
    return [
      {
        effectMs,
        outages: ofAct,
        outagesEndMs: ofAct.at(-1)?.toMs ?? effectMs,
        lastFailureMs: Number.NEGATIVE_INFINITY,
        found: undefined,
      },
    ];
  });
}

interface Seen {
  readonly atMs: number;
  readonly spacingMs: number;
  readonly ok: boolean;
  readonly slow: boolean;
}

/** Slides a window of one second over one kind's operations, and records where it first was as before. */
class RestorationSearch {
  readonly #kind: OperationKind;
  readonly #intervalMs: number;
  readonly #sustainedMs: number;
  readonly #limitMs: number;
  readonly #goals: readonly Goal[];
  readonly #firstMs: number;
  readonly #outagesEndMs: number;
  /** The window's operations; those before `#head` have left it. */
  #queue: Seen[] = [];
  #head = 0;
  #ok = 0;
  #slow = 0;
  #lastAtMs: number | undefined;
  /** Intended start of the operation before the window. */
  #beforeWindowMs = Number.NEGATIVE_INFINITY;
  #any = false;
  /** Set once further operations change nothing. */
  done = false;

  constructor(kind: OperationKind, goals: readonly Goal[], limitMs: number) {
    this.#kind = kind;
    this.#intervalMs = 1_000 / kind.ratePerSecond;
    this.#sustainedMs = Math.max(SUSTAINED_MS, SUSTAINED_OPERATIONS * this.#intervalMs);
    this.#limitMs = limitMs;
    this.#goals = goals;
    this.#firstMs = goals.reduce((first, goal) => Math.min(first, goal.effectMs), Infinity);
    this.#outagesEndMs = goals.reduce((last, goal) => Math.max(last, goal.outagesEndMs), 0);
  }

  add(atMs: number, ok: boolean, latencyMs: number): void {
    const spacingMs = this.#lastAtMs === undefined ? this.#intervalMs : atMs - this.#lastAtMs;
    this.#lastAtMs = atMs;
    if (atMs < this.#firstMs) return;
    this.#any = true;
    this.done = atMs > this.#outagesEndMs && this.#goals.every((goal) => goal.found);
    if (this.done) return;
    this.#evaluateUpTo(atMs);
    if (!ok) this.#failedAt(atMs);
    const slow = ok && latencyMs > this.#limitMs;
    this.#queue.push({ atMs, spacingMs, ok, slow });
    if (ok) this.#ok++;
    if (slow) this.#slow++;
  }

  /** @returns `undefined` if nothing was due after a fault took effect. */
  end(): Recovery | undefined {
    if (!this.#any) return undefined;
    // The next operation would have come one interval later; half a microsecond covers rounding.
    this.#evaluateUpTo((this.#lastAtMs as number) + this.#intervalMs + 0.0005);
    let worst: Recovery = { kind: this.#kind.name, recoveryMs: 0, uncertaintyMs: 0 };
    for (const goal of this.#goals) {
      const { recoveryMs, uncertaintyMs } = goal.found ?? { recoveryMs: null, uncertaintyMs: this.#intervalMs };
      if (recoveryMs !== null && recoveryMs < (worst.recoveryMs as number)) continue;
      worst = { kind: this.#kind.name, recoveryMs, uncertaintyMs, ...this.#firstSuccessOf(goal) };
      if (recoveryMs === null) break;
    }
    return worst;
  }

  #firstSuccessOf({ effectMs, outages }: Goal): Pick<Recovery, 'firstSuccessMs' | 'firstSuccessUncertaintyMs'> {
    const first = outages
      .filter(({ partition, toMs }) => partition === undefined && toMs > effectMs)
      .reduce<ServiceWindow | undefined>((one, other) => (one && one.fromMs <= other.fromMs ? one : other), undefined);
    if (!first) return { firstSuccessMs: 0, firstSuccessUncertaintyMs: this.#intervalMs };
    return {
      firstSuccessMs: first.open ? null : first.toMs - effectMs,
      firstSuccessUncertaintyMs: first.uncertaintyMs,
    };
  }

  /** Evaluates every window that ends by `nowMs`, and drops its first operation. */
  #evaluateUpTo(nowMs: number): void {
    for (;;) {
      const first = this.#queue[this.#head];
      if (!first || first.atMs + this.#sustainedMs > nowMs) return;
      if (first.ok && this.#asBefore()) this.#restoredAt(first);
      if (first.ok) this.#ok--;
      if (first.slow) this.#slow--;
      this.#beforeWindowMs = first.atMs;
      this.#head++;
      if (this.#head > 1_024 && this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
    }
  }

  #asBefore(): boolean {
    const count = this.#queue.length - this.#head;
    // The p99 is above the limit once more than 1 % of the successes are.
    return this.#ok / count >= SUSTAINED_SHARE && this.#slow <= this.#ok - Math.ceil(this.#ok * 0.99);
  }

  #restoredAt({ atMs, spacingMs }: Seen): void {
    for (const goal of this.#goals) {
      if (goal.found || atMs < goal.effectMs || atMs <= goal.lastFailureMs) continue;
      // The probes saw an outage that no operation of the load fell into.
      if (atMs < goal.outagesEndMs - this.#limitMs - (goal.outages.at(-1)?.uncertaintyMs ?? 0)) continue;
      // Probes see the end to the millisecond; an operation due just before it may have waited for it.
      const probed = goal.outages.filter(({ seenBy }) => seenBy === 'probes');
      const probedEndMs = probed.reduce((last, { toMs }) => Math.max(last, toMs), 0);
      const undisturbed = this.#beforeWindowMs < goal.effectMs;
      // If a single partition recovered last, the spacing of its operations counts.
      const endsOutage = goal.outages.some((outage) => outage.partition === undefined && outage.toMs === atMs);
      const partitionMs = endsOutage || undisturbed ? 0 : (goal.outages.at(-1)?.uncertaintyMs ?? 0);
      goal.found = {
        atMs,
        recoveryMs: undisturbed ? 0 : Math.max(atMs, probedEndMs) - goal.effectMs,
        uncertaintyMs: Math.max(spacingMs, partitionMs),
      };
    }
  }

  /** A recovery undone before the outages' end does not count. */
  #failedAt(atMs: number): void {
    for (const goal of this.#goals) {
      if (atMs >= goal.outagesEndMs) continue;
      goal.lastFailureMs = atMs;
      if (goal.found && goal.found.atMs <= atMs) goal.found = undefined;
    }
  }
}

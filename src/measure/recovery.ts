/**
 * How long service took to be back: from a fault in effect to the start of the first second that is as
 * before, and on the way there to the first success after the kind's first outage.
 *
 * A second is as before when at least 95 % of the operations intended in it succeeded, with a p99 of at
 * most twice the steady state's (or 50 ms, whichever is more), and it begins with a success. For kinds
 * slower than three operations a second it is the time of three operations.
 *
 * Service that is gone again was not restored, be it on one partition: the second must begin after the end, and the last
 * failure, of every outage of the kind that fell into the act's time, from when it was asked for until it was asked to heal or the next act
 * was asked for. What healing itself disturbs is a window of its own and no part of the recovery. Where
 * there are several acts, each is judged from its own effect, and the worst counts.
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
 * @param steadyP99Ms of each kind; `undefined` where nothing succeeded in the steady state.
 * @returns one for each kind that was intended after a fault took effect; empty when no fault did.
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

/** Restoration after one act: what is searched for, and what was found so far. */
interface Goal {
  readonly effectMs: number;
  /** Outages of this act's time, of the kind or of one of its partitions; the one that ended last comes last. */
  readonly outages: readonly ServiceWindow[];
  readonly outagesEndMs: number;
  /** Of the failures before the outages' end. */
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

/** Slides a window of one second over one kind's operations and remembers where it first was as before. */
class RestorationSearch {
  readonly #kind: OperationKind;
  readonly #intervalMs: number;
  readonly #sustainedMs: number;
  readonly #limitMs: number;
  readonly #goals: readonly Goal[];
  readonly #firstMs: number;
  readonly #outagesEndMs: number;
  /** Operations of the window; those before `#head` have left it. */
  #queue: Seen[] = [];
  #head = 0;
  #ok = 0;
  #slow = 0;
  #lastAtMs: number | undefined;
  /** Of the operation before the window's first. */
  #beforeWindowMs = Number.NEGATIVE_INFINITY;
  #any = false;
  /** What comes changes nothing any more. */
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

  /** @returns `undefined` where nothing was intended after a fault took effect. */
  end(): Recovery | undefined {
    if (!this.#any) return undefined;
    // The load would have gone on with the next interval; half a microsecond is for rounding.
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

  /** Looks at every window that ends by then; takes its first operation out. */
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
    // p99 is above the limit as soon as more than 1 % of the successes are.
    return this.#ok / count >= SUSTAINED_SHARE && this.#slow <= this.#ok - Math.ceil(this.#ok * 0.99);
  }

  #restoredAt({ atMs, spacingMs }: Seen): void {
    for (const goal of this.#goals) {
      if (goal.found || atMs < goal.effectMs || atMs <= goal.lastFailureMs) continue;
      // An outage that the probes saw and no operation of the load fell into.
      if (atMs < goal.outagesEndMs - this.#limitMs - (goal.outages.at(-1)?.uncertaintyMs ?? 0)) continue;
      // Probes tell the end to the millisecond; an operation that was due just before it may have waited for it.
      const probed = goal.outages.filter(({ seenBy }) => seenBy === 'probes');
      const probedEndMs = probed.reduce((last, { toMs }) => Math.max(last, toMs), 0);
      const undisturbed = this.#beforeWindowMs < goal.effectMs;
      // Where single partitions came back last, their own operations are farther apart than those of the kind.
      const endsOutage = goal.outages.some((outage) => outage.partition === undefined && outage.toMs === atMs);
      const partitionMs = endsOutage || undisturbed ? 0 : (goal.outages.at(-1)?.uncertaintyMs ?? 0);
      goal.found = {
        atMs,
        recoveryMs: undisturbed ? 0 : Math.max(atMs, probedEndMs) - goal.effectMs,
        uncertaintyMs: Math.max(spacingMs, partitionMs),
      };
    }
  }

  /** What seemed restored and is gone again before the outages' end was not restored. */
  #failedAt(atMs: number): void {
    for (const goal of this.#goals) {
      if (atMs >= goal.outagesEndMs) continue;
      goal.lastFailureMs = atMs;
      if (goal.found && goal.found.atMs <= atMs) goal.found = undefined;
    }
  }
}

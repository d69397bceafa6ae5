/** What keeps a run from doing harm that nobody asked for: it looks at the service and at the time. */

import { EnvironmentError } from '../model/errors.ts';
import type { OperationLog, Outcome } from '../model/history.ts';
import type { AbortCondition, Guards } from '../model/scenario.ts';
import { STEADY_SHARE } from '../model/steady-share.ts';
import { formatDuration, formatShare } from '../model/units.ts';
import type { LoadListener } from './load.ts';
import type { OpenOperations } from './load-generator.ts';

/** On top of the times that a plan names: for making a cluster and healing it on a slow machine. */
const SPARE_MS = 15 * 60_000;
/** A service that broke down at the very end of a long steady state is not steady either. */
const LAST_MOMENTS_MS = 1_000;
/** The steady state is judged a little after its end, when what was due in it has settled. */
const JUDGED_LATE_MS = 30_000;

interface Due {
  readonly intendedAt: number;
  /** `open`: no answer yet. */
  readonly outcome: Outcome | 'open';
  /** From the intended start, of those that have settled. */
  readonly latencyMs: number;
}

/** Follows the load, kind by kind: what has settled, and what is due and has no answer. */
export class ServiceGuard implements LoadListener {
  readonly #conditions: readonly AbortCondition[];
  readonly #steadyStateMs: number;
  readonly #keepMs: number;
  readonly #settled = new Map<string, Due[]>();
  #open: OpenOperations = { at: Number.NEGATIVE_INFINITY, intendedAt: {} };

  constructor(conditions: readonly AbortCondition[], steadyStateMs: number) {
    this.#conditions = conditions;
    this.#steadyStateMs = steadyStateMs;
    this.#keepMs = Math.max(steadyStateMs, ...conditions.map(({ forMs }) => forMs)) + JUDGED_LATE_MS;
  }

  operations(batch: OperationLog): void {
    for (const { kind, intendedAt, settledAt, outcome } of batch.scan()) {
      const settled = this.#settled.get(kind) ?? [];
      this.#settled.set(kind, settled);
      settled.push({ intendedAt, outcome, latencyMs: settledAt - intendedAt });
      const firstKept = settled.findIndex((entry) => entry.intendedAt >= intendedAt - this.#keepMs);
      // Seldom, as everything behind moves up.
      if (firstKept > settled.length / 2) settled.splice(0, firstKept);
    }
  }

  open(open: OpenOperations): void {
    this.#open = open;
  }

  /** Whether all that was due before this moment has settled, as far as the load has reported. */
  settledUntil(ms: number): boolean {
    const open = Object.values(this.#open.intendedAt).flat();
    return this.#open.at >= ms && open.every((intendedAt) => intendedAt >= ms);
  }

  /**
   * Why the load is no steady state; `undefined` where it is one. Nine in ten of every kind must be ok, over the steady
   * state and over its last second. What has no answer by now counts as not ok.
   * @param endedAt when the steady state ended.
   */
  unsteady(endedAt: number): string | undefined {
    for (const spanMs of new Set([this.#steadyStateMs, Math.min(this.#steadyStateMs, LAST_MOMENTS_MS)])) {
      for (const kind of this.#kinds()) {
        const due = this.#due(kind, endedAt - spanMs, endedAt);
        const ok = count(due, 'ok');
        if (due.length > 0 && ok / due.length < STEADY_SHARE) {
          const when = spanMs < this.#steadyStateMs ? ` in its last ${formatDuration(spanMs)}` : '';
          return `${kind}: ${ok} of ${due.length} ok${when}${besides(due)}`;
        }
      }
    }
    if (this.#open.at >= endedAt) return undefined;
    return 'the thread of the load has not reported since; this machine is too busy for it';
  }

  /** The first condition that holds, in words. One that could not have held for its whole time yet does not. */
  tripped(nowMs: number, sinceMs: number): string | undefined {
    for (const { of, below, forMs } of this.#conditions) {
      if (nowMs - forMs < sinceMs) continue;
      const due = this.#due(of, nowMs - forMs, nowMs, this.#slowest(of, forMs / 2)).filter(
        ({ outcome }) => outcome !== 'unsent',
      );
      const ok = count(due, 'ok');
      if (due.length === 0 || ok / due.length >= below) continue;
      return `${of}: ${ok} of ${due.length} ok within ${formatDuration(forMs)}, less than ${formatShare(below)}${besides(due)}`;
    }
    return undefined;
  }

  #kinds(): Set<string> {
    return new Set([...this.#settled.keys(), ...Object.keys(this.#open.intendedAt)]);
  }

  /** @param patienceMs what has been open for less is left out: it may be under way as usual. */
  #due(kind: string, fromMs: number, toMs: number, patienceMs = 0): Due[] {
    const within = ({ intendedAt }: Pick<Due, 'intendedAt'>) => intendedAt >= fromMs && intendedAt < toMs;
    const open = (this.#open.intendedAt[kind] ?? [])
      .filter((intendedAt) => this.#open.at - intendedAt >= patienceMs)
      .map((intendedAt): Due => ({ intendedAt, outcome: 'open', latencyMs: 0 }));
    return [...(this.#settled.get(kind) ?? []), ...open].filter(within);
  }

  /** How long an answer took at most of late, within a limit. */
  #slowest(kind: string, limitMs: number): number {
    const answered = (this.#settled.get(kind) ?? []).filter(({ outcome }) => outcome === 'ok');
    return answered.reduce((slowest, { latencyMs }) => Math.min(limitMs, Math.max(slowest, latencyMs)), 0);
  }
}

function count(due: readonly Due[], wanted: Due['outcome']): number {
  return due.filter(({ outcome }) => outcome === wanted).length;
}

/** What is neither the cluster's answer nor its refusal. */
function besides(due: readonly Due[]): string {
  const unanswered = count(due, 'open');
  const unsent = count(due, 'unsent');
  return [
    ...(unanswered === 0 ? [] : [`, ${unanswered} unanswered`]),
    ...(unsent === 0 ? [] : [`, ${unsent} not sent, for want of the client's own connections`]),
  ].join('');
}

/** How long a run may take at most, in milliseconds: what its scenario says, or its own times and a quarter of an hour. */
export function limitOf(guards: Guards | undefined, plannedMs: number): number {
  return guards?.limitMs ?? plannedMs + SPARE_MS;
}

/**
 * A signal that is aborted when another one is, or when a time limit has passed.
 * @param limitMs from now on.
 */
export class RunLimit implements Disposable {
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

/** The guards that keep a run from doing more harm than intended: they watch service and time. */

import { EnvironmentError } from '../model/errors.ts';
import type { OperationLog, Outcome } from '../model/history.ts';
import type { AbortCondition, Guards } from '../model/scenario.ts';
import { STEADY_SHARE } from '../model/steady-share.ts';
import { formatDuration, formatShare } from '../model/units.ts';
import type { LoadListener } from './load.ts';
import type { OpenOperations } from './load-generator.ts';

/** Added to the planned time, for creating and healing a cluster on a slow machine. */
const SPARE_MS = 15 * 60_000;
/** Service must also be good at the very end of a long steady state. */
const LAST_MOMENTS_MS = 1_000;
/** The steady state is judged after its end, once its operations have settled. */
const JUDGED_LATE_MS = 30_000;

interface Due {
  readonly intendedAt: number;
  /** `open`: no answer yet. */
  readonly outcome: Outcome | 'open';
  /** From the intended start, of those that have settled. */
  readonly latencyMs: number;
}

/** Follows the load by kind: operations that have settled, and due ones without an answer. */
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
      // Rarely, because it moves all later elements.
      if (firstKept > settled.length / 2) settled.splice(0, firstKept);
    }
  }

  open(open: OpenOperations): void {
    this.#open = open;
  }

  /** Whether everything due before this moment has settled, by the load's reports. */
  settledUntil(ms: number): boolean {
    const open = Object.values(this.#open.intendedAt).flat();
    return this.#open.at >= ms && open.every((intendedAt) => intendedAt >= ms);
  }

  /**
   * Why the steady state is not steady; `undefined` where it is. Nine in ten of every kind must be ok, over the steady
   * state and over its last second. An operation without an answer counts as not ok.
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

  /** The first condition that holds, in words. A condition cannot hold until its whole time has passed. */
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

  /** @param patienceMs leaves out operations that have been open for less, which may be under way as usual. */
  #due(kind: string, fromMs: number, toMs: number, patienceMs = 0): Due[] {
    const within = ({ intendedAt }: Pick<Due, 'intendedAt'>) => intendedAt >= fromMs && intendedAt < toMs;
    const open = (this.#open.intendedAt[kind] ?? [])
      .filter((intendedAt) => this.#open.at - intendedAt >= patienceMs)
      .map((intendedAt): Due => ({ intendedAt, outcome: 'open', latencyMs: 0 }));
    return [...(this.#settled.get(kind) ?? []), ...open].filter(within);
  }

  /** The longest latency of a recent answer, up to a limit. */
  #slowest(kind: string, limitMs: number): number {
    const answered = (this.#settled.get(kind) ?? []).filter(({ outcome }) => outcome === 'ok');
    return answered.reduce((slowest, { latencyMs }) => Math.min(limitMs, Math.max(slowest, latencyMs)), 0);
  }
}

function count(due: readonly Due[], wanted: Due['outcome']): number {
  return due.filter(({ outcome }) => outcome === wanted).length;
}

/** Adds how many operations the cluster neither answered nor refused. */
function besides(due: readonly Due[]): string {
  const unanswered = count(due, 'open');
  const unsent = count(due, 'unsent');
  return [
    ...(unanswered === 0 ? [] : [`, ${unanswered} unanswered`]),
    ...(unsent === 0 ? [] : [`, ${unsent} not sent because the client had no free connection`]),
  ].join('');
}

/** The time limit of a run, in milliseconds: the scenario's, or the planned time plus 15 minutes. */
export function limitOf(guards: Guards | undefined, plannedMs: number): number {
  return guards?.limitMs ?? plannedMs + SPARE_MS;
}

/**
 * A signal that aborts with another one, or after a time limit.
 * @param limitMs from now on.
 */
export class RunLimit implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(outer: AbortSignal, limitMs: number) {
    const passed = new EnvironmentError(`the run took more than ${formatDuration(limitMs)}`, {
      code: 'run-limit',
      hint: 'the report shows where the time went; guards: { limit: 2h } in the scenario allows more',
    });
    const limit = new AbortController();
    this.#timer = setTimeout(() => limit.abort(passed), limitMs);
    this.signal = AbortSignal.any([outer, limit.signal]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Times in which the load got no answer at all, for one kind of operation, of one partition or of all.
 *
 * For `Lane`, which goes by intended starts, an operation that waited and was answered late is a success. But a client
 * that waits has no service: operations in a row that failed or waited are a silence, from the first one sent until the
 * first success. If operations stay late long after that success, service is slow, not out.
 */

import type { ServiceWindow, TimeRange } from '../model/figures.ts';
import type { Operation } from '../model/history.ts';
import { CERTAIN_FAILURES, frameOf, type LaneOptions } from './lane.ts';
import { overlapMs } from './time-ranges.ts';

/** The least share of the silence in the time in which operations were late. */
const SILENT_SHARE = 2 / 3;
const MIN_WAITING = 2;
/** The load's operations delay each other, so a shorter silence is a brownout. */
const MIN_SILENCE_MS = 500;

interface Run {
  readonly sentMs: number;
  readonly intendedMs: number;
  readonly spacingMs: number;
  readonly partitions: Set<number>;
  waiting: number;
  failed: number;
  lastSettledMs: number;
  /** The first success among those that waited. */
  answeredMs: number;
}

type Seen = Pick<Operation, 'intendedAt' | 'sentAt' | 'settledAt' | 'outcome' | 'partition'>;

/** Takes the operations of one lane one by one, in the order of their intended starts. */
export class SilenceLane {
  readonly #options: LaneOptions;
  readonly #stalls: readonly TimeRange[];
  readonly #windows: ServiceWindow[] = [];
  #run: Run | undefined;
  /** Intended start of the previous operation; NaN before the first. */
  #lastAtMs = Number.NaN;

  /** @param stalls times in which the client itself stalled, which do not count. */
  constructor(options: LaneOptions, stalls: readonly TimeRange[] = []) {
    this.#options = options;
    this.#stalls = stalls;
  }

  /** Whether a silence is open. If not, an operation answered in time needs only `passed`. */
  get open(): boolean {
    return this.#run !== undefined;
  }

  /** Adds an operation answered in time while nothing is open. @param atMs its intended start. */
  passed(atMs: number): void {
    this.#lastAtMs = atMs;
  }

  /** Adds the next operation; never an `unsent` one. */
  add({ intendedAt, sentAt, settledAt, outcome, partition }: Seen): void {
    const spacingMs = Number.isNaN(this.#lastAtMs) ? this.#options.spacingMs : intendedAt - this.#lastAtMs;
    this.#lastAtMs = intendedAt;
    const ok = outcome === 'ok';
    if (ok && settledAt - intendedAt <= this.#options.lateAboveMs) {
      this.#close(intendedAt, settledAt);
      return;
    }
    this.#run ??= {
      sentMs: sentAt,
      intendedMs: intendedAt,
      spacingMs,
      partitions: new Set(),
      waiting: 0,
      failed: 0,
      lastSettledMs: settledAt,
      answeredMs: Number.POSITIVE_INFINITY,
    };
    const run = this.#run;
    run.waiting++;
    if (ok) run.answeredMs = Math.min(run.answeredMs, settledAt);
    else run.failed++;
    run.lastSettledMs = Math.max(run.lastSettledMs, settledAt);
    if (partition !== undefined && this.#options.partitionsToHit > 0) run.partitions.add(partition);
  }

  /** Ends the lane. @returns its silences in the order of time. */
  end(): ServiceWindow[] {
    if (this.#run) this.#close(this.#lastAtMs, Number.POSITIVE_INFINITY);
    return this.#windows;
  }

  /** @param nextMs when the next operation answered in time was due. @param settledMs when it was answered. */
  #close(nextMs: number, settledMs: number): void {
    const run = this.#run;
    if (!run) return;
    this.#run = undefined;
    const answeredMs = Math.min(run.answeredMs, settledMs);
    const open = answeredMs === Number.POSITIVE_INFINITY;
    const toMs = open ? Math.max(run.lastSettledMs, nextMs) : answeredMs;
    const fromMs = run.sentMs;
    const { partitionsToHit, lateAboveMs } = this.#options;
    const everywhere = run.partitions.size >= partitionsToHit || run.waiting >= CERTAIN_FAILURES;
    const silentMs = toMs - fromMs - overlapMs(this.#stalls, fromMs, toMs);
    const slow = nextMs - run.intendedMs > (toMs - fromMs) / SILENT_SHARE;
    if (run.waiting < MIN_WAITING || !everywhere || slow) return;
    if (silentMs <= Math.max(lateAboveMs, MIN_SILENCE_MS)) return;
    this.#windows.push({
      type: 'outage',
      ...frameOf('load', this.#options, fromMs, toMs),
      uncertaintyMs: run.spacingMs,
      ...(open ? { open: true } : {}),
      ok: 0,
      failed: run.waiting,
    });
  }
}

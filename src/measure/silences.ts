/**
 * Times in which the load got no answer at all, for one kind of operation, of one partition or of all.
 *
 * `Lane` goes by intended starts, so operations that waited and were answered late in the end count as successes
 * there. A client that waits has no service: operations in a row that failed or waited are a silence from when the
 * first of them was sent until the first success came. Where operations go on being late long after that success,
 * service is slow and not gone.
 */

import type { ServiceWindow, TimeRange } from '../model/figures.ts';
import type { Operation } from '../model/history.ts';
import type { LaneOptions } from './lane.ts';
import { overlapMs } from './time-ranges.ts';

/** The silence must be this much of the stretch in which operations were late. */
const SILENT_SHARE = 2 / 3;
const MIN_WAITING = 2;
/** So many in a row are no chance, whichever partitions they hit. */
const CERTAIN_WAITING = 50;
/** The load's operations disturb each other: a shorter silence is a brownout. */
const MIN_SILENCE_MS = 500;

interface Run {
  readonly sentMs: number;
  readonly intendedMs: number;
  readonly spacingMs: number;
  readonly partitions: Set<number>;
  waiting: number;
  failed: number;
  lastSettledMs: number;
  /** Of the first success to come, among those that waited. */
  answeredMs: number;
}

type Seen = Pick<Operation, 'intendedAt' | 'sentAt' | 'settledAt' | 'outcome' | 'partition'>;

/** One row of operations, seen one after the other in the order of their intended starts. */
export class SilenceLane {
  readonly #options: LaneOptions;
  readonly #stalls: readonly TimeRange[];
  readonly #windows: ServiceWindow[] = [];
  #run: Run | undefined;
  /** Of the operation before; not a number where there was none. */
  #lastAtMs = Number.NaN;

  /** @param stalls when the client itself stood still, which is no evidence. */
  constructor(options: LaneOptions, stalls: readonly TimeRange[] = []) {
    this.#options = options;
    this.#stalls = stalls;
  }

  /** Whether operations wait or have failed; else one that was answered in time changes nothing. */
  get open(): boolean {
    return this.#run !== undefined;
  }

  /** Takes an operation that was answered in time while nothing is open. @param atMs its intended start. */
  passed(atMs: number): void {
    this.#lastAtMs = atMs;
  }

  /** Takes the next operation; never an `unsent` one. */
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

  /** Ends the row. @returns its silences in the order of time. */
  end(): ServiceWindow[] {
    if (this.#run) this.#close(this.#lastAtMs, Number.POSITIVE_INFINITY);
    return this.#windows;
  }

  /** @param nextMs when the next operation was due that was answered in time. @param settledMs when it was answered. */
  #close(nextMs: number, settledMs: number): void {
    const run = this.#run;
    if (!run) return;
    this.#run = undefined;
    const answeredMs = Math.min(run.answeredMs, settledMs);
    const open = answeredMs === Number.POSITIVE_INFINITY;
    const toMs = open ? Math.max(run.lastSettledMs, nextMs) : answeredMs;
    const fromMs = run.sentMs;
    const { partitionsToHit, lateAboveMs, kind, partition } = this.#options;
    const everywhere = run.partitions.size >= partitionsToHit || run.waiting >= CERTAIN_WAITING;
    const silentMs = toMs - fromMs - overlapMs(this.#stalls, fromMs, toMs);
    const slow = nextMs - run.intendedMs > (toMs - fromMs) / SILENT_SHARE;
    if (run.waiting < MIN_WAITING || !everywhere || slow) return;
    if (silentMs <= Math.max(lateAboveMs, MIN_SILENCE_MS)) return;
    this.#windows.push({
      type: 'outage',
      kind,
      ...(partition === undefined ? {} : { partition }),
      seenBy: 'load',
      fromMs,
      toMs,
      durationMs: toMs - fromMs,
      uncertaintyMs: run.spacingMs,
      ...(open ? { open: true } : {}),
      ok: 0,
      failed: run.waiting,
    });
  }
}

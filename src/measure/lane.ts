/**
 * Finds windows in the load's operations of one kind, of one partition or of all (docs/measuring.md#windows).
 *
 * Operations come in the order of their intended starts. Each is good, late (it succeeded, but its latency is above the
 * kind's limit) or failed (`fail` or `unknown`; `unsent` is left out). Operations that are not good, with at most 500
 * ms of good ones between them, are one disturbance. In it,
 *
 * - an outage lasts from the intended start of a failed operation to that of the next success, if at least two failed
 *   in a row. For a whole kind they must also have hit every partition, or have been 50: if some partitions are down, a
 *   few failures in a row are chance;
 * - the rest is brownout.
 *
 * A single late operation is no window, because every healthy system has those. A single failure is.
 */

import type { ServiceWindow } from '../model/figures.ts';
import type { Operation } from '../model/history.ts';

/** The longest time of good operations within one disturbance. */
export const MAX_GOOD_GAP_MS = 500;
/** Failures in a row that make an outage. */
export const MIN_OUTAGE_FAILURES = 2;
/** This many in a row cannot be chance: with three of four partitions down, 1 in 2 million. */
export const CERTAIN_FAILURES = 50;
/** An operation is late if it takes longer than this many times the steady state's p99 ... */
const LATE_FACTOR = 5;
/** ... and longer than this, because a local cluster's p99 is a few milliseconds. */
const LATE_FLOOR_MS = 100;

/** The latency above which an operation is late: max(5 × p99 of the steady state, 100 ms). */
export function lateAboveMs(steadyP99Ms: number | undefined): number {
  return Math.max(LATE_FACTOR * (steadyP99Ms ?? 0), LATE_FLOOR_MS);
}

export interface LaneOptions {
  readonly kind: string;
  readonly partition?: string;
  readonly lateAboveMs: number;
  /** Expected between operations; used if the first one is already an edge. */
  readonly spacingMs: number;
  /** How many partitions an outage must hit; 0: any. */
  readonly partitionsToHit: number;
}

/** The fields that all windows of a lane share. */
export function frameOf(
  seenBy: ServiceWindow['seenBy'],
  { kind, partition }: Pick<LaneOptions, 'kind' | 'partition'>,
  fromMs: number,
  toMs: number,
): Pick<ServiceWindow, 'kind' | 'partition' | 'seenBy' | 'fromMs' | 'toMs' | 'durationMs'> {
  return {
    kind,
    ...(partition === undefined ? {} : { partition }),
    seenBy,
    fromMs,
    toMs,
    durationMs: toMs - fromMs,
  };
}

/** A border of a window, and its distance to the operation before it, which saw the other side. */
interface Edge {
  readonly atMs: number;
  readonly spacingMs: number;
  /** Set if the load stopped here. */
  readonly open?: true;
}

interface Piece {
  readonly from: Edge;
  ok: number;
  failed: number;
}

type Seen = Pick<Operation, 'intendedAt' | 'settledAt' | 'outcome' | 'partition'>;

/** Takes the operations of one lane one by one; keeps only counts. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #windows: ServiceWindow[] = [];
  /** Intended start of the previous operation; NaN before the first. */
  #lastAtMs = Number.NaN;
  #lastSpacingMs = 0;

  /** In the open disturbance: the number of operations that were not good. */
  #notGood = 0;
  #anyFailed = false;
  #lastBadSettledMs = 0;
  /** What belongs to no outage, since the last one ended. */
  #brownout: Piece | undefined;
  /** The current failures in a row. */
  #failures: Piece | undefined;
  readonly #partitionsHit = new Set<number>();
  /** Good operations since the last bad one. They belong to the disturbance only if it continues. */
  #goodTail: Piece | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Whether a disturbance is open. If not, a good operation needs only `passed`. */
  get open(): boolean {
    return this.#notGood > 0;
  }

  /** Adds a good operation while nothing is open. @param atMs its intended start. */
  passed(atMs: number): void {
    this.#lastAtMs = atMs;
  }

  /** Adds the next operation in the order of intended starts; never an `unsent` one. */
  add({ intendedAt, settledAt, outcome, partition }: Seen): void {
    const spacingMs = Number.isNaN(this.#lastAtMs) ? this.#options.spacingMs : intendedAt - this.#lastAtMs;
    this.#lastAtMs = intendedAt;
    this.#lastSpacingMs = spacingMs;

    const late = outcome === 'ok' && settledAt - intendedAt > this.#options.lateAboveMs;
    const good = outcome === 'ok' && !late;
    if (this.#goodTail && intendedAt - this.#goodTail.from.atMs > MAX_GOOD_GAP_MS) this.#close(this.#goodTail.from);
    const edge: Edge = { atMs: intendedAt, spacingMs };
    if (good) {
      if (this.#notGood > 0) this.#addGood(edge);
      return;
    }
    this.#notGood++;
    this.#lastBadSettledMs = Math.max(this.#lastBadSettledMs, settledAt);
    this.#keepTail();
    if (late) {
      this.#endFailures(edge);
      this.#brownout ??= { from: edge, ok: 0, failed: 0 };
      this.#brownout.ok++;
    } else {
      this.#anyFailed = true;
      this.#failures ??= { from: edge, ok: 0, failed: 0 };
      this.#failures.failed++;
      if (partition !== undefined && this.#options.partitionsToHit > 0) this.#partitionsHit.add(partition);
    }
  }

  /** Ends the lane. @returns its windows in the order of time. */
  end(): ServiceWindow[] {
    if (this.#goodTail) this.#close(this.#goodTail.from);
    else if (this.#notGood > 0) {
      // Its real end is unknown: it lasted at least until the last answer.
      const lastMs = Math.max(this.#lastBadSettledMs, this.#lastAtMs);
      this.#close({ atMs: lastMs, spacingMs: this.#lastSpacingMs, open: true });
    }
    return this.#windows;
  }

  #addGood(edge: Edge): void {
    this.#endFailures(edge);
    this.#goodTail ??= { from: edge, ok: 0, failed: 0 };
    this.#goodTail.ok++;
  }

  #keepTail(): void {
    if (!this.#goodTail) return;
    this.#brownout ??= { from: this.#goodTail.from, ok: 0, failed: 0 };
    this.#brownout.ok += this.#goodTail.ok;
    this.#goodTail = undefined;
  }

  /** Ends failures in a row: an outage if they were enough, else brownout. */
  #endFailures(edge: Edge): void {
    const failures = this.#failures;
    if (!failures) return;
    this.#failures = undefined;
    const everywhere = this.#partitionsHit.size >= this.#options.partitionsToHit || failures.failed >= CERTAIN_FAILURES;
    this.#partitionsHit.clear();
    if (failures.failed < MIN_OUTAGE_FAILURES || !everywhere) {
      this.#brownout ??= { from: failures.from, ok: 0, failed: 0 };
      this.#brownout.failed += failures.failed;
      return;
    }
    if (this.#brownout) this.#emit('brownout', this.#brownout, failures.from);
    this.#brownout = undefined;
    this.#emit('outage', failures, edge);
    // Late answers after an outage are brownout, from the first success on.
    this.#brownout = { from: edge, ok: 0, failed: 0 };
  }

  #close(to: Edge): void {
    this.#endFailures(to);
    const blip = this.#notGood === 1 && !this.#anyFailed;
    if (this.#brownout && !blip) this.#emit('brownout', this.#brownout, to);
    this.#notGood = 0;
    this.#anyFailed = false;
    this.#lastBadSettledMs = 0;
    this.#brownout = undefined;
    this.#goodTail = undefined;
  }

  #emit(type: ServiceWindow['type'], { from, ok, failed }: Piece, to: Edge): void {
    if (ok + failed === 0) return;
    this.#windows.push({
      type,
      ...frameOf('load', this.#options, from.atMs, to.atMs),
      uncertaintyMs: Math.max(from.spacingMs, to.spacingMs),
      ...(to.open ? { open: true } : {}),
      ok,
      failed,
    });
  }
}

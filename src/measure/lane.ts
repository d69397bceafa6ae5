/**
 * Windows of one row of operations, those of one kind, of one partition or of all:
 *
 * Operations are taken in the order of their intended starts. Each is good, late (it succeeded, but its
 * latency is above the kind's limit) or failed (`fail` or `unknown`; what the client could not send is left
 * out). Operations that are not good, with no more than 500 ms of good ones between them, are one
 * disturbance. Inside it,
 *
 * - an outage goes from the intended start of a failed operation to that of the next success, when at
 *   least two failed without a success between them; of a whole kind only if they hit every partition or were
 *   50, because where some partitions are gone, a few failures in a row are chance;
 * - what remains is brownout.
 *
 * A single late operation on its own is no window: every healthy system has those. A single failure is.
 */

import type { ServiceWindow } from '../model/figures.ts';
import type { Operation } from '../model/history.ts';

/** Longest stretch of good operations inside one disturbance. */
const MAX_GOOD_GAP_MS = 500;
/** Failures in a row that make an outage. */
const MIN_OUTAGE_FAILURES = 2;
/** So many in a row are no chance, whichever partitions they hit: with three of four partitions gone, 1 in 2 million. */
const CERTAIN_FAILURES = 50;
/** An operation is late when it takes longer than this many times the steady state's p99 ... */
const LATE_FACTOR = 5;
/** ... and longer than this, because the p99 of a local cluster is a few milliseconds. */
const LATE_FLOOR_MS = 100;

/** Above which latency an operation of a kind is late: max(5 × p99 of the steady state, 100 ms). */
export function lateAboveMs(steadyP99Ms: number | undefined): number {
  return Math.max(LATE_FACTOR * (steadyP99Ms ?? 0), LATE_FLOOR_MS);
}

export interface LaneOptions {
  readonly kind: string;
  readonly partition?: string;
  readonly lateAboveMs: number;
  /** Expected between operations; stands in where the first one is already an edge. */
  readonly spacingMs: number;
  /** How many partitions failures must have hit to be an outage; 0 where operations are not told apart by partition. */
  readonly partitionsToHit: number;
}

/** A border of a window, and how far from the operation before it, which saw the other side. */
interface Edge {
  readonly atMs: number;
  readonly spacingMs: number;
  /** The load stopped here, and nothing shows the other side. */
  readonly open?: true;
}

interface Piece {
  readonly from: Edge;
  ok: number;
  failed: number;
}

type Seen = Pick<Operation, 'intendedAt' | 'settledAt' | 'outcome' | 'partition'>;

/** One row of operations, seen one after the other; holds no more of them than a few counts. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #windows: ServiceWindow[] = [];
  /** Of the operation before; not a number where there was none. */
  #lastAtMs = Number.NaN;
  #lastSpacingMs = 0;

  /** Of the disturbance that is open: operations that were not good ... */
  #notGood = 0;
  #anyFailed = false;
  #lastBadSettledMs = 0;
  /** ... what belongs to no outage since the last one ended ... */
  #brownout: Piece | undefined;
  /** ... failures in a row, up to now ... */
  #failures: Piece | undefined;
  readonly #partitionsHit = new Set<number>();
  /** ... and good operations since the last that was not. They belong to it only if it goes on. */
  #goodTail: Piece | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Whether a disturbance is open; else a good operation changes nothing. */
  get open(): boolean {
    return this.#notGood > 0;
  }

  /** Takes a good operation while nothing is open. @param atMs its intended start. */
  passed(atMs: number): void {
    this.#lastAtMs = atMs;
  }

  /** Takes the next operation in the order of the intended starts; never an `unsent` one. */
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

  /** Ends the row. @returns its windows in the order of time. */
  end(): ServiceWindow[] {
    if (this.#goodTail) this.#close(this.#goodTail.from);
    else if (this.#notGood > 0) {
      // Nothing shows when it would have ended: it is known to last until the last answer.
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

  /** A success, or the end, after failures in a row: an outage if they were enough. */
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
    // Late answers after an outage are its brownout from the first success on.
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
    const { kind, partition } = this.#options;
    this.#windows.push({
      type,
      kind,
      ...(partition === undefined ? {} : { partition }),
      seenBy: 'load',
      fromMs: from.atMs,
      toMs: to.atMs,
      durationMs: to.atMs - from.atMs,
      uncertaintyMs: Math.max(from.spacingMs, to.spacingMs),
      ...(to.open ? { open: true } : {}),
      ok,
      failed,
    });
  }
}

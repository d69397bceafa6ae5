/**
 * When service was not as it should be, for whole kinds and for single shards. Where the shards were probed,
 * reading and writing of single rooms is told by the probes (`probe-windows.ts`). What has no probe, such as a
 * scan, is told by the load itself, to the spacing of its operations:
 *
 * Operations are taken in the order of their intended starts. Each is good, late (it succeeded, but its
 * latency is above the kind's limit) or failed (`fail` or `unknown`; what the client could not send is left
 * out). Operations that are not good, with no more than 500 ms of good ones between them, are one
 * disturbance. Inside it,
 *
 * - an outage goes from the intended start of a failed operation to that of the next success, when at
 *   least two failed without a success between them; of a whole kind only if they hit every shard or were
 *   50, because where some shards are gone, a few failures in a row are chance;
 * - what remains is brownout.
 *
 * A single late operation on its own is no window: every healthy system has those. A single failure is.
 */

import type { ServiceWindow } from '../model/figures.ts';
import { eventsOf, type History, type Operation, type OperationKind } from '../model/history.ts';
import { formatDuration, formatMoment } from '../model/units.ts';
import { LatencyRecorder } from './latency.ts';
import { ProbeLane } from './probe-windows.ts';
import { placementOf } from './shards.ts';
import { spansOf } from './spans.ts';

/** Longest stretch of good operations inside one disturbance. */
const MAX_GOOD_GAP_MS = 500;
/** Failures in a row that make an outage. */
const MIN_OUTAGE_FAILURES = 2;
/** So many in a row are no chance, whichever shards they hit: with three of four shards gone, 1 in 2 million. */
const CERTAIN_FAILURES = 50;
/** An operation is late when it takes longer than this many times the steady state's p99 ... */
const LATE_FACTOR = 5;
/** ... and longer than this, because the p99 of a local cluster is a few milliseconds. */
const LATE_FLOOR_MS = 100;

/** Above which latency an operation of a kind is late: max(5 × p99 of the steady state, 100 ms). */
export function lateAboveMs(steadyP99Ms: number | undefined): number {
  return Math.max(LATE_FACTOR * (steadyP99Ms ?? 0), LATE_FLOOR_MS);
}

/**
 * All windows of a run: of whole kinds, then of single shards; each kind's in the order of time.
 * @param limitMs for each kind, above which latency an operation is late.
 */
export function serviceWindows(history: History, limitMs: (kind: string) => number): ServiceWindow[] {
  const probed = probeWindows(history);
  const formed = history.events.find((event) => event.type === 'cluster-formed');
  const shards = formed?.placement.shards ?? [];
  const shardsInUse = new Set(Object.values(formed?.placement.shardOfRoom ?? {})).size;
  const lanes = new Map(
    history.run.kinds.map((kind) => {
      const spacingMs = 1_000 / kind.ratePerSecond;
      const lane = (shard?: string) =>
        new Lane({
          kind: kind.name,
          lateAboveMs: limitMs(kind.name),
          ...(shard === undefined
            ? { spacingMs, shardsToHit: kind.scope === 'room' ? shardsInUse : 0 }
            : { spacingMs: spacingMs * shards.length, shardsToHit: 0, shard }),
        });
      return [kind.name, { whole: lane(), shards: shards.map(({ name }) => lane(name)) }];
    }),
  );
  for (const operation of history.operations.scan()) {
    if (operation.outcome === 'unsent') continue;
    const lane = lanes.get(operation.kind);
    lane?.whole.add(operation);
    if (operation.shard !== undefined) lane?.shards[operation.shard]?.add(operation);
  }
  const ofKind = [...lanes].map(([kind, { whole, shards }]) => {
    const { access, scope } = history.run.kinds.find(({ name }) => name === kind) as OperationKind;
    const seen = scope === 'room' ? probed[access] : undefined;
    if (!seen) return { whole: whole.end(), shards: shards.flatMap((lane) => lane.end()) };
    const named = (windows: readonly ServiceWindow[]) => windows.map((window) => ({ ...window, kind }));
    return { whole: named(seen.whole), shards: named(seen.shards) };
  });
  return [...ofKind.flatMap(({ whole }) => whole), ...ofKind.flatMap(({ shards }) => shards)];
}

interface Probed {
  readonly whole: readonly ServiceWindow[];
  readonly shards: readonly ServiceWindow[];
}

/** What the probes on pooled connections saw of reading and of writing; absent where there were none. */
function probeWindows(history: History): { readonly [A in OperationKind['access']]?: Probed } {
  const steady = spansOf(history)['steady-state'];
  const shards = placementOf(history)?.shards ?? [];
  const stalls = eventsOf(history, 'load-kept').find(({ of }) => of === 'probes')?.stalls ?? [];
  const inUse = new Set<number>();
  for (const { shard } of history.probes.scan()) if (shard !== undefined) inUse.add(shard);
  const result: { [A in OperationKind['access']]?: Probed } = {};
  for (const kind of history.run.probes) {
    if (kind.connection !== 'pooled') continue;
    const latency = new LatencyRecorder();
    for (const probe of history.probes.scan()) {
      if (probe.kind !== kind.name || probe.outcome !== 'ok' || !steady) continue;
      if (probe.intendedAt < steady.toMs) latency.record(probe.settledAt - probe.sentAt);
    }
    const { p50Ms: steadyP50Ms = 0, p99Ms: steadyP99Ms = 0, p999Ms: steadyP999Ms = 0 } = latency.figures() ?? {};
    const spacingMs = 1_000 / kind.ratePerSecond;
    const steadyMs = { steadyP50Ms, steadyP99Ms, steadyP999Ms };
    const common = { kind: kind.name, lateAboveMs: lateAboveMs(steadyP99Ms), ...steadyMs, stalls };
    const lanes = shards.map(({ name }) => new ProbeLane({ ...common, spacingMs, shard: name, shardsToHit: 1 }));
    const all = new ProbeLane({ ...common, spacingMs: spacingMs / Math.max(1, inUse.size), shardsToHit: inUse.size });
    for (const { kind: name, sentAt, settledAt, outcome, shard } of history.probes.scan()) {
      if (name !== kind.name || shard === undefined) continue;
      all.add(sentAt, settledAt, outcome, shard);
      lanes[shard]?.add(sentAt, settledAt, outcome, shard);
    }
    if (all.count === 0) continue;
    const ofShards = lanes.flatMap((lane) => lane.windows());
    result[kind.access] = { whole: all.windows(ofShards), shards: ofShards };
  }
  return result;
}

/** `outage of write, 4.013 s to 12.410 s: 8.4 s ± 20 ms, 419 failed`. */
export function describeWindow({
  type,
  kind,
  shard,
  fromMs,
  toMs,
  durationMs,
  uncertaintyMs,
  open,
  ok,
  failed,
}: ServiceWindow) {
  const what = `${type} of ${kind}${shard === undefined ? '' : ` on shard ${shard}`}`;
  const duration = `${formatDuration(durationMs)} ± ${formatDuration(uncertaintyMs)}`;
  const counts = type === 'outage' ? `${failed} failed` : `${failed} failed, ${ok} succeeded`;
  const end = open ? ', still on when the load stopped' : '';
  return `${what}, ${formatMoment(fromMs)} to ${formatMoment(toMs)}: ${duration}, ${counts}${end}`;
}

export interface LaneOptions {
  readonly kind: string;
  readonly shard?: string;
  readonly lateAboveMs: number;
  /** Expected between operations; stands in where the first one is already an edge. */
  readonly spacingMs: number;
  /** How many shards failures must have hit to be an outage; 0 where operations are not told apart by shard. */
  readonly shardsToHit: number;
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

type Seen = Pick<Operation, 'intendedAt' | 'settledAt' | 'outcome' | 'shard'>;

/** One row of operations, seen one after the other; holds no more of them than a few counts. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #windows: ServiceWindow[] = [];
  #lastAtMs: number | undefined;
  #lastSpacingMs = 0;

  /** Of the disturbance that is open: operations that were not good ... */
  #notGood = 0;
  #anyFailed = false;
  #lastBadSettledMs = 0;
  /** ... what belongs to no outage since the last one ended ... */
  #brownout: Piece | undefined;
  /** ... failures in a row, up to now ... */
  #failures: Piece | undefined;
  readonly #shardsHit = new Set<number>();
  /** ... and good operations since the last that was not. They belong to it only if it goes on. */
  #goodTail: Piece | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Takes the next operation in the order of the intended starts; never an `unsent` one. */
  add({ intendedAt, settledAt, outcome, shard }: Seen): void {
    const spacingMs = this.#lastAtMs === undefined ? this.#options.spacingMs : intendedAt - this.#lastAtMs;
    const edge: Edge = { atMs: intendedAt, spacingMs };
    this.#lastAtMs = intendedAt;
    this.#lastSpacingMs = spacingMs;

    const late = outcome === 'ok' && settledAt - intendedAt > this.#options.lateAboveMs;
    if (this.#goodTail && intendedAt - this.#goodTail.from.atMs > MAX_GOOD_GAP_MS) this.#close(this.#goodTail.from);
    if (outcome === 'ok' && !late) {
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
      if (shard !== undefined && this.#options.shardsToHit > 0) this.#shardsHit.add(shard);
    }
  }

  /** Ends the row. @returns its windows in the order of time. */
  end(): ServiceWindow[] {
    if (this.#goodTail) this.#close(this.#goodTail.from);
    else if (this.#notGood > 0) {
      // Nothing shows when it would have ended: it is known to last until the last answer.
      const lastMs = Math.max(this.#lastBadSettledMs, this.#lastAtMs ?? 0);
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
    const everywhere = this.#shardsHit.size >= this.#options.shardsToHit || failures.failed >= CERTAIN_FAILURES;
    this.#shardsHit.clear();
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
    const { kind, shard } = this.#options;
    this.#windows.push({
      type,
      kind,
      ...(shard === undefined ? {} : { shard }),
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

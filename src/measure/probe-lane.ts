/**
 * Finds windows in the probes of one kind, of one partition or of all (docs/measuring.md#windows).
 *
 * An outage lies between two successes that settled one after the other. It takes at least two failed probes in between
 * (for all partitions together, on every partition, or 50: otherwise a few failures in a row are chance), or a silence
 * longer than an answer may take. Time in which the client itself stalled does not count. Many slow answers in a row
 * mean slow service, not an outage, unless one silence stands out.
 *
 * The borders of an outage are enclosed, not seen. Service was up when the last success was sent, and down when the
 * first unanswered probe could have been answered. It was still down when the last failure was sent or, if probes only
 * waited, a moment before the first success settled; and it was up when that settled. Within these bounds, the
 * likeliest border assumes answers of median latency, or of three times that if a waking server answers all waiting
 * probes at once. The uncertainty reaches to the farther bound.
 *
 * Failed and late probes outside outages, at most 500 ms apart, are brownout; a single late one is not. For all
 * partitions together, a window of a single partition is brownout too.
 */

import type { ServiceWindow, TimeRange } from '../model/figures.ts';
import type { Outcome } from '../model/history.ts';
import { type Enclosed, enclosed, reach } from './enclosed.ts';
import { CERTAIN_FAILURES, frameOf, MAX_GOOD_GAP_MS, MIN_OUTAGE_FAILURES } from './lane.ts';
import { overlapMs, partsOutside } from './time-ranges.ts';

/** Silences with fewer quick answers between them, at most 500 ms apart, are slow answers ... */
const GOOD_BETWEEN = 5;
/** ... unless one of them is this share of their total, like the stall before a slow start. */
const STALL_SHARE = 2 / 3;
/** The least time in which a waking server answers waiting probes and the client sees it. */
const MIN_WAKE_MS = 2;
/** Waking takes this many times the p99 of the steady state. */
const WAKE_FACTOR = 2;
/**
 * The likeliest time to wake, in medians of the steady state: the server answers all waiting probes at once, with cold
 * caches. Measured with two, four and eight waiting: 2.8 to 3.5.
 */
const WAKE_MEDIANS = 3;

export interface ProbeLaneOptions {
  readonly kind: string;
  /** Set if the lane is of one partition. */
  readonly partition?: string;
  /** The latency above which a probe is late, and a silence an outage. */
  readonly lateAboveMs: number;
  /** Latency in the steady state, median and p99; 0 without answers. */
  readonly steadyP50Ms: number;
  readonly steadyP99Ms: number;
  /** The p99.9 of the steady state: a waking server's first answer may take that long. */
  readonly steadyP999Ms: number;
  /** Expected between probes. */
  readonly spacingMs: number;
  /** How many partitions an outage must hit; 1 for the lane of a partition. */
  readonly partitionsToHit: number;
  /** Times in which the client itself stalled. */
  readonly stalls: readonly TimeRange[];
}

interface Probe {
  readonly sentAt: number;
  readonly settledAt: number;
  readonly ok: boolean;
  readonly partition: number;
}

export class ProbeLane {
  readonly #options: ProbeLaneOptions;
  readonly #probes: Probe[] = [];

  constructor(options: ProbeLaneOptions) {
    this.#options = options;
  }

  add(sentAt: number, settledAt: number, outcome: Outcome, partition: number): void {
    if (outcome !== 'unsent') this.#probes.push({ sentAt, settledAt, ok: outcome === 'ok', partition });
  }

  get count(): number {
    return this.#probes.length;
  }

  /**
   * @param ofPartitions windows of single partitions, which are brownout of the whole.
   * @returns windows in the order of time.
   */
  windows(ofPartitions: readonly TimeRange[] = []): ServiceWindow[] {
    this.#probes.sort((a, b) => a.settledAt - b.settledAt);
    const outages = this.#outages();
    return [...outages, ...this.#brownouts(outages, ofPartitions)].sort((a, b) => a.fromMs - b.fromMs);
  }

  #outages(): ServiceWindow[] {
    /** Windows with hardly a good answer between them. */
    const groups: { readonly window: ServiceWindow; readonly silence: boolean }[][] = [];
    let last: Probe | undefined;
    let failed: Probe[] = [];
    let good = 0;
    for (const probe of [...this.#probes, undefined]) {
      if (probe && !probe.ok) {
        failed.push(probe);
        continue;
      }
      const window = this.#outageBetween(last, failed, probe);
      if (window) {
        const group = groups.at(-1);
        const before = group?.at(-1)?.window;
        const one = { window, silence: failed.length === 0 };
        const near = before && window.fromMs - before.toMs <= MAX_GOOD_GAP_MS && good < GOOD_BETWEEN;
        if (group && near) group.push(one);
        else groups.push([one]);
        good = 0;
      } else good++;
      last = probe;
      failed = [];
    }
    return groups.flatMap((group) => {
      const totalMs = group.reduce((sum, { window }) => sum + window.durationMs, 0);
      // A silence that does not stand out is one slow answer of several.
      const told = group.filter(({ window, silence }) => !silence || window.durationMs > STALL_SHARE * totalMs);
      return told.map(({ window }) => window);
    });
  }

  /**
   * @param last the success before, if any.
   * @param failed the failures since, as they settled.
   * @param next the success after, if any.
   */
  #outageBetween(
    last: Probe | undefined,
    failed: readonly Probe[],
    next: Probe | undefined,
  ): ServiceWindow | undefined {
    const { lateAboveMs, partitionsToHit, stalls } = this.#options;
    const hit = new Set(failed.map((probe) => probe.partition)).size;
    const refused =
      failed.length >= MIN_OUTAGE_FAILURES && (hit >= partitionsToHit || failed.length >= CERTAIN_FAILURES);
    const waiting = this.#sentBetween(last, next);
    const first = earliest([...failed, ...waiting]);
    if (first === Number.POSITIVE_INFINITY) return undefined;
    const end = next?.settledAt ?? this.#probes.at(-1)?.settledAt ?? first;
    const silenceMs = end - Math.max(last?.settledAt ?? first, first);
    const stalled = silenceMs - overlapMs(stalls, end - silenceMs, end) > lateAboveMs;
    if (!refused && !stalled) return undefined;

    const from = this.#outageStart(last, first, failed[0]);
    const to = this.#end(from.latestMs, { failed, waiting, next, endMs: end });
    const fromMs = from.likelyMs;
    const toMs = Math.max(fromMs, to.likelyMs);
    return {
      type: 'outage',
      ...frameOf('probes', this.#options, fromMs, toMs),
      uncertaintyMs: reach(from) + reach(to),
      ...(next ? {} : { open: true }),
      ok: 0,
      failed: failed.length + waiting.filter((probe) => probe.ok).length,
    };
  }

  /** The probes that waited through the whole silence: sent after the last success, settled with or after the next. */
  #sentBetween(last: Probe | undefined, next: Probe | undefined): Probe[] {
    if (!next) return [];
    const since = last?.settledAt ?? Number.NEGATIVE_INFINITY;
    const waited: Probe[] = [];
    // Probes that waited settle soon after the first of them.
    for (let i = this.#indexOf(next.settledAt); i < this.#probes.length; i++) {
      const probe = this.#probes[i] as Probe;
      if (probe.settledAt - next.settledAt > this.#options.lateAboveMs) break;
      if (probe.sentAt > since - this.#usualMs && probe.sentAt < next.settledAt - this.#usualMs) waited.push(probe);
    }
    return waited;
  }

  /** The index of the first probe that settled then or later. */
  #indexOf(settledAt: number): number {
    let low = 0;
    let high = this.#probes.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((this.#probes[mid] as Probe).settledAt < settledAt) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  get #usualMs(): number {
    return Math.max(MIN_WAKE_MS, WAKE_FACTOR * this.#options.steadyP99Ms);
  }

  /** @param failed the first failure to settle: service was down by then. */
  #outageStart(last: Probe | undefined, firstSentMs: number, failed: Probe | undefined): Enclosed {
    const latestMs = Math.min(firstSentMs + this.#usualMs, failed?.settledAt ?? Number.POSITIVE_INFINITY);
    const earliestMs = Math.min(last?.sentAt ?? firstSentMs, latestMs);
    // The outage starts between the last answer sent and the first one missing.
    const answeredMs = Math.max(earliestMs, (last?.settledAt ?? firstSentMs) - this.#options.steadyP50Ms / 2);
    const missedMs = Math.min(latestMs, Math.max(answeredMs, firstSentMs + this.#options.steadyP50Ms / 2));
    return enclosed(earliestMs, (answeredMs + missedMs) / 2, latestMs);
  }

  #end(notBeforeMs: number, { failed, waiting, next, endMs }: Silence): Enclosed {
    if (!next) return enclosed(endMs, endMs, endMs);
    // If waiting probes were answered far apart, the first may have taken as long as all of them.
    const spreadMs = waiting.reduce((most, { settledAt }) => Math.max(most, settledAt - next.settledAt), 0);
    const { steadyP50Ms, steadyP999Ms } = this.#options;
    const wakingMs = next.settledAt - Math.max(this.#usualMs, steadyP999Ms, WAKE_FACTOR * spreadMs);
    // A success that had waited came as soon as the server ran again. One answered at once only shows that the server
    // was still down when the previous probe was sent.
    const waited = next.sentAt < wakingMs;
    const unanswered = waited ? failed : [...failed, ...waiting];
    let earliestMs = waited ? wakingMs : notBeforeMs;
    for (const { sentAt } of unanswered) if (sentAt < next.sentAt) earliestMs = Math.max(earliestMs, sentAt);
    const likelyMs = waited
      ? next.settledAt - WAKE_MEDIANS * steadyP50Ms
      : (earliestMs + next.settledAt - steadyP50Ms) / 2;
    return enclosed(Math.max(earliestMs, notBeforeMs), likelyMs, next.settledAt);
  }

  /** @param ofPartitions windows of single partitions, for the lane of all. */
  #brownouts(outages: readonly ServiceWindow[], ofPartitions: readonly TimeRange[]): ServiceWindow[] {
    const { lateAboveMs, spacingMs, stalls } = this.#options;
    const outside = ({ sentAt, settledAt }: Probe) =>
      !outages.some(({ fromMs, toMs }) => sentAt <= toMs && settledAt >= fromMs);
    const late = ({ sentAt, settledAt }: Probe) =>
      settledAt - sentAt - overlapMs(stalls, sentAt, settledAt) > lateAboveMs;
    const bad = this.#probes.filter((probe) => (!probe.ok || late(probe)) && outside(probe));
    const disturbances = [
      ...bad.map(({ sentAt, settledAt, ok }) => ({ fromMs: sentAt, toMs: settledAt, certain: !ok })),
      ...ofPartitions.flatMap((range) => without(range, outages)).map((range) => ({ ...range, certain: true })),
    ].sort((a, b) => a.fromMs - b.fromMs);
    const groups: { fromMs: number; toMs: number; count: number; certain: boolean }[] = [];
    for (const { fromMs, toMs, certain } of disturbances) {
      const group = groups.at(-1);
      const apart =
        !group ||
        fromMs - group.toMs > MAX_GOOD_GAP_MS ||
        outages.some((outage) => outage.fromMs > group.toMs && outage.fromMs < fromMs);
      if (apart) groups.push({ fromMs, toMs, count: 1, certain });
      else {
        group.toMs = Math.max(group.toMs, toMs);
        group.count++;
        group.certain ||= certain;
      }
    }
    return groups.flatMap(({ fromMs, toMs, count, certain }): ServiceWindow[] => {
      if (!certain && count === 1) return [];
      let ok = 0;
      let failed = 0;
      for (let i = this.#indexOf(fromMs); i < this.#probes.length; i++) {
        const probe = this.#probes[i] as Probe;
        if (probe.settledAt > toMs) break;
        if (!probe.ok) failed++;
        else if (probe.sentAt >= fromMs) ok++;
      }
      return [
        {
          type: 'brownout',
          ...frameOf('probes', this.#options, fromMs, toMs),
          uncertaintyMs: spacingMs,
          ok,
          failed,
        },
      ];
    });
  }
}

/** The parts of a partition's window outside the outages of the whole, without slivers at their borders. */
function without(range: TimeRange, outages: readonly TimeRange[]): TimeRange[] {
  const cutting = outages.filter((outage) => outage.toMs > range.fromMs && outage.fromMs < range.toMs);
  const sliverMs = cutting.length > 0 ? MAX_GOOD_GAP_MS : 0;
  return partsOutside(range, cutting).filter(({ fromMs, toMs }) => toMs - fromMs > sliverMs);
}

/** A stretch without a success. */
interface Silence {
  readonly failed: readonly Probe[];
  readonly waiting: readonly Probe[];
  readonly next: Probe | undefined;
  readonly endMs: number;
}

function earliest(probes: readonly Probe[]): number {
  return probes.reduce((first, { sentAt }) => Math.min(first, sentAt), Number.POSITIVE_INFINITY);
}

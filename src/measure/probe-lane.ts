/**
 * When a partition, or all of them, did not answer: from the probes, to the time between two of them.
 *
 * An outage is a stretch without a success. It lies between two successes that settled one after the other, and
 * is told where at least two probes failed in between (on every partition, for the whole; else a few failures in a row
 * are chance), or where nothing settled for longer than an answer may take. Time in which the client itself stood
 * still is no evidence. Where answers take so long again and again, with hardly a quick one between them, service is
 * slow and not gone: no outage, but for a silence that stands out among them.
 *
 * Its borders are not seen but enclosed. Service was there when the last success was sent, and was not any more
 * when the first probe that it did not answer could have been answered; it was not there when the last failure was
 * sent, or, where probes just waited, a moment before the first success settled; and it was there when that
 * settled. Within what encloses it a border is told where it lies if answers took as long as half of them do, or, where
 * servers wake and answer all who waited at once, three times as long; the uncertainty reaches from there to the
 * farthest end.
 *
 * Probes outside of outages that failed or were late, with no more than 500 ms between them, are brownout; a
 * single late one is none. For all partitions together, a window of a single partition is brownout too.
 */

import type { ServiceWindow, TimeRange } from '../model/figures.ts';
import type { Outcome } from '../model/history.ts';
import { type Enclosed, enclosed, reach } from './enclosed.ts';
import { overlapMs, partsOutside } from './time-ranges.ts';

/** Longest stretch of good probes inside one brownout. */
const MAX_GOOD_GAP_MS = 500;
const MIN_OUTAGE_FAILURES = 2;
/** So many in a row are no chance, whichever partitions they hit. */
const CERTAIN_FAILURES = 50;
/** With fewer quick answers between two long silences, and no more than 500 ms, they are slow answers of one sort ... */
const GOOD_BETWEEN = 5;
/** ... among which one is a stall if it is so much of all of them, as before a slow start. */
const STALL_SHARE = 2 / 3;
/** For a stalled server to answer what waits, once it runs again, and for the client to see it: at least this. */
const MIN_WAKE_MS = 2;
/** The p99 of the steady state is an answer's usual time; waking takes a few of them. */
const WAKE_FACTOR = 2;
/**
 * Most likely it takes this many of the usual answers, the median of the steady state: all who wait are answered at
 * once, by servers that have been out of the processors' caches. Seen with two, four and eight waiting: 2.8 to 3.5.
 */
const WAKE_MEDIANS = 3;

export interface ProbeLaneOptions {
  readonly kind: string;
  /** Set where the lane is that of one partition. */
  readonly partition?: string;
  /** Above which latency a probe is late, and after which silence is an outage. */
  readonly lateAboveMs: number;
  /** How long an answer takes in the steady state, as a rule and at most; 0 where there was none. */
  readonly steadyP50Ms: number;
  readonly steadyP99Ms: number;
  /** What one in a thousand takes; a moment like that may be the one in which servers run again. */
  readonly steadyP999Ms: number;
  /** Expected between probes. */
  readonly spacingMs: number;
  /** How many partitions failures must have hit to be an outage; 1 for the lane of a partition. */
  readonly partitionsToHit: number;
  /** When the client itself stood still. */
  readonly stalls: readonly TimeRange[];
}

interface Probe {
  readonly sentAt: number;
  readonly settledAt: number;
  readonly ok: boolean;
  readonly partition: number;
}

/** The probes of one kind, of one partition or of all. */
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
   * Its windows in the order of time.
   * @param ofPartitions windows of single partitions: while a partition is not served the whole is, but in part.
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
      // What does not stand out is one slow answer of several.
      const told = group.filter(({ window, silence }) => !silence || window.durationMs > STALL_SHARE * totalMs);
      return told.map(({ window }) => window);
    });
  }

  /**
   * @param last the success before, if there was one.
   * @param failed settled since, in that order.
   * @param next the success after, if there was one.
   */
  #outageBetween(
    last: Probe | undefined,
    failed: readonly Probe[],
    next: Probe | undefined,
  ): ServiceWindow | undefined {
    const { kind, partition, lateAboveMs, partitionsToHit, stalls } = this.#options;
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

    const from = this.#start(last, first, failed[0]);
    const to = this.#end(from.latestMs, { failed, waiting, next, endMs: end });
    const fromMs = from.likelyMs;
    const toMs = Math.max(fromMs, to.likelyMs);
    return {
      type: 'outage',
      ...seen({ kind, partition }, { fromMs, toMs }),
      uncertaintyMs: reach(from) + reach(to),
      ...(next ? {} : { open: true }),
      ok: 0,
      failed: failed.length + waiting.filter((probe) => probe.ok).length,
    };
  }

  /** Sent after the last success was, and settled after the next one did, or as it: they waited through all of it. */
  #sentBetween(last: Probe | undefined, next: Probe | undefined): Probe[] {
    if (!next) return [];
    const since = last?.settledAt ?? Number.NEGATIVE_INFINITY;
    const waited: Probe[] = [];
    // Probes settle within their deadline, so those that waited are close behind.
    for (let i = this.#indexOf(next.settledAt); i < this.#probes.length; i++) {
      const probe = this.#probes[i] as Probe;
      if (probe.settledAt - next.settledAt > this.#options.lateAboveMs) break;
      if (probe.sentAt > since - this.#usualMs && probe.sentAt < next.settledAt - this.#usualMs) waited.push(probe);
    }
    return waited;
  }

  /** Of the first probe that settled then or later. */
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

  /** @param failed the first failure to settle: by then service was gone. */
  #start(last: Probe | undefined, firstSentMs: number, failed: Probe | undefined): Enclosed {
    const latestMs = Math.min(firstSentMs + this.#usualMs, failed?.settledAt ?? Number.POSITIVE_INFINITY);
    const earliestMs = Math.min(last?.sentAt ?? firstSentMs, latestMs);
    // Between the last answer that left and the first that did not.
    const answeredMs = Math.max(earliestMs, (last?.settledAt ?? firstSentMs) - this.#options.steadyP50Ms / 2);
    const missedMs = Math.min(latestMs, Math.max(answeredMs, firstSentMs + this.#options.steadyP50Ms / 2));
    return enclosed(earliestMs, (answeredMs + missedMs) / 2, latestMs);
  }

  #end(notBeforeMs: number, { failed, waiting, next, endMs }: Silence): Enclosed {
    if (!next) return enclosed(endMs, endMs, endMs);
    // Where those who waited were answered far apart, the first may have taken as long as all the others did.
    const spreadMs = waiting.reduce((most, { settledAt }) => Math.max(most, settledAt - next.settledAt), 0);
    const { steadyP50Ms, steadyP999Ms } = this.#options;
    const wakingMs = next.settledAt - Math.max(this.#usualMs, steadyP999Ms, WAKE_FACTOR * spreadMs);
    // A success that had waited came as soon as the server ran again. One that was answered at once only shows
    // that it did not yet when the probe before it was sent.
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
    const { kind, partition, lateAboveMs, spacingMs, stalls } = this.#options;
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
          ...seen({ kind, partition }, { fromMs, toMs }),
          uncertaintyMs: spacingMs,
          ok,
          failed,
        },
      ];
    });
  }
}

/** What of a partition's window lies outside of the whole's outages, but for slivers at their borders. */
function without(range: TimeRange, outages: readonly TimeRange[]): TimeRange[] {
  const cutting = outages.filter((outage) => outage.toMs > range.fromMs && outage.fromMs < range.toMs);
  const sliverMs = cutting.length > 0 ? MAX_GOOD_GAP_MS : 0;
  return partsOutside(range, cutting).filter(({ fromMs, toMs }) => toMs - fromMs > sliverMs);
}

/** What is known of a stretch without a success. */
interface Silence {
  readonly failed: readonly Probe[];
  readonly waiting: readonly Probe[];
  readonly next: Probe | undefined;
  readonly endMs: number;
}

function earliest(probes: readonly Probe[]): number {
  return probes.reduce((first, { sentAt }) => Math.min(first, sentAt), Number.POSITIVE_INFINITY);
}

/** What every window of probes has. */
function seen(
  { kind, partition }: { readonly kind: string; readonly partition?: string | undefined },
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
) {
  const of = partition === undefined ? {} : { partition };
  return { kind, ...of, seenBy: 'probes' as const, fromMs, toMs, durationMs: toMs - fromMs };
}

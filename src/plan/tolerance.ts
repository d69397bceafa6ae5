/**
 * What survives: from a placement and the engine's rule, which numbers and sets of workers can be down
 * together without a partition being lost to reads or to writes, and how likely that is. Pure.
 *
 * docs/tolerance.md says how each figure comes about.
 */

import { partitionWordOf } from '../model/partition-words.ts';
import { describeRule, type Placement, placedBy, type ServiceRule, writeSets } from '../model/service-rule.ts';
import type { NodeName } from '../model/topology.ts';
import { type Advice, advise } from './tolerance/advice.ts';
import { binomials, shareContaining, shareTouching } from './tolerance/combinatorics.ts';
import { enumerate } from './tolerance/enumerate.ts';
import { type FatalSets, smallestFatalForReads, smallestFatalForWrites } from './tolerance/fatal-sets.ts';
import { type Estimate, exactly, type FatalShares, fatalShares } from './tolerance/fatal-shares.ts';
import { type HolderSets, holderSetsOf, meanOverPartitions, partitionsOfWorkers } from './tolerance/holders.ts';
import { outageForReads, outageForWrites } from './tolerance/outage.ts';
import { type WorstCase, worstForReads, worstForWrites } from './tolerance/worst.ts';

export type { Estimate } from './tolerance/fatal-shares.ts';

export interface ToleranceOptions {
  /** The engine's own. */
  readonly rule: ServiceRule;
  /** Share of the time that a node is up, from 0 to 1. */
  readonly nodeAvailability: number;
  /** Rows are made for 1 up to this many workers down; by default up to where nothing survives. */
  readonly maxDown?: number;
  /** For what is sampled, and for the random layout among the advice. From 0 to 2^32 - 1. */
  readonly seed: number;
  /** How many fatal sets, and partitions of each, are named. 5 by default. */
  readonly listed?: number;
}

/** k workers down at once. */
export interface ToleranceRow {
  readonly down: number;
  /** Ways to choose them, in decimal digits: more than a number holds. */
  readonly subsets: string;
  /** Subsets that lose at least one partition; `count` where it is known exactly. */
  readonly fatal: Estimate & { readonly count?: string };
  /** Expected share of all partitions that is lost; always exact. */
  readonly expectedShare: number;
  /** The worst choice: at least `partitions` (lost by `workers`, named up to 20), at most `atMost`. */
  readonly worst: Omit<WorstCase, 'workers'> & { readonly workers: readonly NodeName[] };
}

/** One kind of access: reads or writes. */
export interface AccessTolerance {
  readonly smallestFatal: FatalSets;
  /** Share of the time that at least one partition is lost, workers alone. */
  readonly outage: Estimate;
  /** Expected share of partitions that is lost, over all time. */
  readonly expectedShare: number;
  readonly rows: readonly ToleranceRow[];
}

export interface Tolerance {
  /** The engine whose rule it is, and what that says of this placement, in words. */
  readonly rule: string;
  readonly needs: string;
  /** What the engine calls a partition. */
  readonly partitionWord: string;
  readonly workers: number;
  readonly partitions: number;
  /** How many partitions have how many copies. */
  readonly copies: readonly { readonly copies: number; readonly partitions: number }[];
  readonly nodeAvailability: number;
  /** Share of the time that the coordinator, on the path of every statement, is down. */
  readonly coordinatorDown: number;
  readonly reads: AccessTolerance;
  /** The same value as `reads` where the rule makes no difference. */
  readonly writes: AccessTolerance;
  readonly advice: Advice;
  readonly sampling: { readonly seed: number; readonly walks: number };
}

/** At sets, before figures are sampled: some half a second. */
const LOOKS = 1e8;
/** Every sampled share is true to this much to either side, with 95 % confidence. */
const HALF_WIDTH = 0.001;
/** Where this little survives, further rows by default say nothing new. */
const NEARLY_ALL = 0.9995;
const DEFAULT_LISTED = 5;

/** The placement must be valid: `placementProblems` tells. */
export function tolerance(given: Placement, options: ToleranceOptions): Tolerance {
  const { rule, nodeAvailability, seed, listed = DEFAULT_LISTED } = options;
  const placement = placedBy(rule, given);
  const sets = holderSetsOf(placement);
  const n = sets.workers;
  const fatal = fatalShares(sets, { seed, halfWidth: HALF_WIDTH, looks: LOOKS });
  const maxDown = Math.min(n, options.maxDown ?? defaultMaxDown(fatal));
  const context: Context = { placement, sets, subsets: binomials(n), maxDown };
  const reads: AccessTolerance = {
    smallestFatal: smallestFatalForReads(placement, sets, listed),
    ...outageForReads(sets, fatal, nodeAvailability),
    rows: readRows(context, fatal),
  };
  const writes = rule.writeNeeds === 'one-holder' ? reads : writesOf(context, options);
  return {
    rule: rule.name,
    needs: describeRule(rule, placement),
    partitionWord: partitionWordOf(rule.partitionWord),
    workers: n,
    partitions: placement.partitions.length,
    copies: [...sets.copies].map(([count, partitions]) => ({ copies: count, partitions })),
    nodeAvailability,
    coordinatorDown: 1 - nodeAvailability,
    reads,
    writes,
    advice: advise({ sets, fatal, reads, writes, rule, nodeAvailability, seed }),
    sampling: { seed, walks: fatal.walks },
  };
}

/** For a rule by which a write needs all holders of its partition. */
function writesOf(
  { placement, subsets, maxDown }: Context,
  { nodeAvailability, listed = DEFAULT_LISTED }: ToleranceOptions,
): AccessTolerance {
  const needed = writeSets(placement);
  const sets = holderSetsOf(needed);
  return {
    smallestFatal: smallestFatalForWrites(needed, sets, listed),
    ...outageForWrites(sets, nodeAvailability),
    rows: writeRows({ placement, sets, subsets, maxDown }),
  };
}

interface Context {
  readonly placement: Placement;
  readonly sets: HolderSets;
  readonly subsets: readonly bigint[];
  readonly maxDown: number;
}

function defaultMaxDown({ estimates }: FatalShares): number {
  const enough = estimates.findIndex(({ share }) => share >= NEARLY_ALL);
  return Math.max(enough === -1 ? estimates.length - 1 : enough, Math.min(4, estimates.length - 1));
}

function readRows(context: Context, { estimates, counts, exact }: FatalShares): ToleranceRow[] {
  const { sets, maxDown } = context;
  return rows(context, worstForReads(sets, exact.reads, maxDown), (k) => ({
    fatal: withCount(estimates[k] as Estimate, counts[k]),
    expectedShare: meanOverPartitions(sets, (size) => shareContaining(sets.workers, k, size)),
  }));
}

function writeRows(context: Context): ToleranceRow[] {
  const { sets, subsets, maxDown } = context;
  const n = sets.workers;
  const holders = partitionsOfWorkers(sets).filter((held) => held > 0).length;
  const idle = binomials(n - holders);
  return rows(context, worstForWrites(sets, enumerate(sets, LOOKS).writes, maxDown), (k) => ({
    fatal: withCount(exactly(shareTouching(n, k, holders)), (subsets[k] as bigint) - (idle[k] ?? 0n)),
    expectedShare: meanOverPartitions(sets, (size) => shareTouching(n, k, size)),
  }));
}

function rows(
  { placement, subsets, maxDown }: Context,
  worst: readonly WorstCase[],
  figures: (k: number) => Pick<ToleranceRow, 'fatal' | 'expectedShare'>,
): ToleranceRow[] {
  return Array.from({ length: maxDown }, (_, i) => {
    const k = i + 1;
    const { partitions, atMost, workers } = worst[k] as WorstCase;
    return {
      down: k,
      subsets: String(subsets[k]),
      ...figures(k),
      worst: { partitions, atMost, workers: workers.map((w) => placement.workers[w] as NodeName) },
    };
  });
}

function withCount(estimate: Estimate, count: bigint | undefined): ToleranceRow['fatal'] {
  return count === undefined ? estimate : { ...estimate, count: String(count) };
}

/**
 * Computes which workers can be down together without losing a partition, and how likely a loss is. Pure.
 * docs/tolerance.md explains each figure.
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
  readonly rule: ServiceRule;
  /** The share of time that a node is up, from 0 to 1. */
  readonly nodeAvailability: number;
  /** The result has rows for 1 to this many workers down; by default, up to where hardly any set survives. */
  readonly maxDown?: number;
  /** For sampled figures, and for the random layout in the advice. From 0 to 2^32 - 1. */
  readonly seed: number;
  /** How many fatal sets, and partitions of each, to name. 5 by default. */
  readonly listed?: number;
}

/** k workers down at once. */
export interface ToleranceRow {
  readonly down: number;
  /** The number of ways to choose them, in decimal digits, because it may exceed a number's precision. */
  readonly subsets: string;
  /** The share of subsets that lose at least one partition; `count` where their exact number is known. */
  readonly fatal: Estimate & { readonly count?: string };
  /** The expected share of lost partitions; always exact. */
  readonly expectedShare: number;
  /** The worst subset loses from `partitions`, as `workers` do, to `atMost`. No names for more than 20 workers. */
  readonly worst: Omit<WorstCase, 'workers'> & { readonly workers: readonly NodeName[] };
}

/** One kind of access: reads or writes. */
export interface AccessTolerance {
  readonly smallestFatal: FatalSets;
  /** The share of time that at least one partition is lost, not counting the coordinator. */
  readonly outage: Estimate;
  /** The expected share of lost partitions, over all time. */
  readonly expectedShare: number;
  readonly rows: readonly ToleranceRow[];
}

export interface Tolerance {
  /** The name of the rule's engine, and what the rule demands of this placement, in words. */
  readonly rule: string;
  readonly needs: string;
  /** What the engine calls a partition. */
  readonly partitionWord: string;
  readonly workers: number;
  readonly partitions: number;
  /** How many partitions have how many copies. */
  readonly copies: readonly { readonly copies: number; readonly partitions: number }[];
  readonly nodeAvailability: number;
  /** The share of time that the coordinator, which every statement passes, is down. */
  readonly coordinatorDown: number;
  readonly reads: AccessTolerance;
  /** The same object as `reads` where the rule treats both alike. */
  readonly writes: AccessTolerance;
  readonly advice: Advice;
  readonly sampling: { readonly seed: number; readonly walks: number };
}

/** Visits of holder sets before figures are sampled instead: about half a second. */
const LOOKS = 1e8;
/** The half-width of a sampled share's 95 % interval. */
const HALF_WIDTH = 0.001;
/** By default the rows end at this share of fatal subsets. */
const NEARLY_ALL = 0.9995;
const DEFAULT_LISTED = 5;

/** The placement must be valid; see `placementProblems`. */
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

/** For a rule where a write needs all holders of its partition. */
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

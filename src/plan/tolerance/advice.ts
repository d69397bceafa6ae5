/**
 * Compares the placement with others: the same copies as a ring, at random and in groups, and a ring with one more
 * copy.
 */

import { partitionWordOf } from '../../model/partition-words.ts';
import { placedBy, type ServiceRule, writeSets } from '../../model/service-rule.ts';
import { type Estimate, type FatalShares, fatalShares } from './fatal-shares.ts';
import { formatCount, formatProbability, plural } from './format.ts';
import { type HolderSets, holderSetsOf, membersOf, setsOfWorker, sizeOf } from './holders.ts';
import { LAYOUTS, type Layout, layOut } from './layouts.ts';
import { type Outage, outageForReads, outageForWrites } from './outage.ts';

/** The figures of one way to place the same partitions. */
export interface LayoutFigures {
  /** `given`: the placement at hand. */
  readonly layout: 'given' | Layout;
  readonly copies: number;
  /**
   * The smallest sets that lose a partition to reads: their size, number, and the most partitions that one cuts off.
   */
  readonly fatalSize: number;
  readonly fatalSets: number;
  readonly cutsOff: number;
  readonly readOutage: Estimate;
  readonly writeOutage: Estimate;
  readonly unreadableShare: number;
  readonly unwritableShare: number;
  /** With one worker down, the reads of the busiest survivor divided by its reads before. */
  readonly survivorLoad: number;
}

export interface Advice {
  /** The placement at hand first. */
  readonly layouts: readonly LayoutFigures[];
  readonly findings: readonly string[];
}

export interface AdviceInput {
  readonly sets: HolderSets;
  readonly fatal: FatalShares;
  readonly reads: Outage;
  readonly writes: Outage;
  readonly rule: ServiceRule;
  readonly nodeAvailability: number;
  readonly seed: number;
}

/** One per cent is precise enough to compare alternatives. */
const HALF_WIDTH = 0.01;
const LOOKS = 2e7;
/** Only an outage share below this factor of the given one is worth moving data. */
const WORTHWHILE = 0.95;

export function advise(input: AdviceInput): Advice {
  const { sets, fatal, reads, writes, rule, nodeAvailability, seed } = input;
  const partitions = sets.partitions.reduce((sum, count) => sum + count, 0);
  const usual = usualCopies(sets);
  const given = figuresOf('given', usual, sets, fatal, { reads, writes });

  const others: LayoutFigures[] = [];
  const consider = (layout: Layout, replication: number) => {
    const placement = layOut(layout, { workers: sets.workers, replication, partitions }, seed);
    const other = holderSetsOf(placement);
    if (sameSets(sets, other)) return;
    const otherFatal = fatalShares(other, { seed, halfWidth: HALF_WIDTH, looks: LOOKS });
    const otherReads = outageForReads(other, otherFatal, nodeAvailability);
    const otherWrites =
      rule.writeNeeds === 'one-holder'
        ? otherReads
        : outageForWrites(holderSetsOf(writeSets(placedBy(rule, placement))), nodeAvailability);
    others.push(figuresOf(layout, replication, other, otherFatal, { reads: otherReads, writes: otherWrites }));
  };
  for (const layout of LAYOUTS) consider(layout, usual);
  if (usual < sets.workers) consider('ring', usual + 1);

  return { layouts: [given, ...others], findings: findings(given, others, sets, rule) };
}

function figuresOf(
  layout: LayoutFigures['layout'],
  copiesOfEach: number,
  sets: HolderSets,
  fatal: FatalShares,
  { reads, writes }: { readonly reads: Outage; readonly writes: Outage },
): LayoutFigures {
  const sizes = Array.from({ length: sets.count }, (_, s) => sizeOf(sets, s));
  const fatalSize = sizes.reduce((least, size) => Math.min(least, size));
  const smallest = sizes.flatMap((size, s) => (size === fatalSize ? [s] : []));
  return {
    layout,
    copies: copiesOfEach,
    fatalSize,
    fatalSets: Number(fatal.counts[fatalSize] ?? smallest.length),
    cutsOff: smallest.reduce((most, s) => Math.max(most, sets.partitions[s] as number), 0),
    readOutage: reads.outage,
    writeOutage: writes.outage,
    unreadableShare: reads.expectedShare,
    unwritableShare: writes.expectedShare,
    survivorLoad: survivorLoad(sets),
  };
}

function findings(
  given: LayoutFigures,
  others: readonly LayoutFigures[],
  sets: HolderSets,
  rule: ServiceRule,
): string[] {
  const found: string[] = [];
  const word = partitionWordOf(rule.partitionWord);
  const sizes = sets.copies;
  const [fewest, partitionsWithFewest] = [...sizes][0] as [number, number];
  if (fewest < given.copies) {
    found.push(
      `${plural(partitionsWithFewest, word)} ${partitionsWithFewest === 1 ? 'has' : 'have'} only ${plural(fewest, 'copy', 'copies')}; ` +
        'they set the size of the smallest fatal sets. Give them as many as the others first.',
    );
  }
  const same = others.filter((other) => other.copies === given.copies);
  const rarest = same.reduce<LayoutFigures | undefined>(
    (best, other) => (other.readOutage.share < (best?.readOutage.share ?? Infinity) ? other : best),
    undefined,
  );
  if (rarest && rarest.readOutage.high < given.readOutage.low * WORTHWHILE) found.push(rarer(rarest, given, word));
  else if (same.length > 0) found.push('None of the other layouts makes outages of reads notably rarer.');

  const gentlest = same.reduce<LayoutFigures | undefined>(
    (best, other) => (other.cutsOff < (best?.cutsOff ?? Infinity) ? other : best),
    undefined,
  );
  if (gentlest && gentlest.cutsOff < given.cutsOff * WORTHWHILE && gentlest.fatalSize >= given.fatalSize) {
    found.push(
      `${nameOf(gentlest)}: a fatal set cuts off ${plural(gentlest.cutsOff, word)} at most instead of ${formatCount(String(given.cutsOff))}; ` +
        `outages of reads ${formatProbability(gentlest.readOutage.share)} of the time instead of ${formatProbability(given.readOutage.share)}.`,
    );
  }
  if (same.length > 0 && same.every((other) => nearly(other.unreadableShare, given.unreadableShare))) {
    found.push(
      `The expected share of unreadable ${word}s, ${formatProbability(given.unreadableShare)}, is the same for all of them: layouts trade how often for how much.`,
    );
  }
  if (rule.writeNeeds === 'all-holders') {
    found.push(
      'No layout makes outages of writes rarer: a write needs every copy, so every worker that holds one is fatal.',
    );
  }
  const more = others.find((other) => other.copies === given.copies + 1);
  if (more) found.push(oneMoreCopy(more, given, rule));
  return found;
}

function rarer(other: LayoutFigures, given: LayoutFigures, word: string): string {
  const gain =
    `${nameOf(other)}: outages of reads ${formatProbability(other.readOutage.share)} of the time instead of ` +
    `${formatProbability(given.readOutage.share)} (${setsInWords(other)} instead of ${setsInWords(given)}).`;
  const prices: string[] = [];
  if (other.cutsOff > given.cutsOff) {
    prices.push(
      `one of them cuts off up to ${plural(other.cutsOff, word)} instead of ${formatCount(String(given.cutsOff))}`,
    );
  }
  if (other.survivorLoad > given.survivorLoad * 1.01) {
    prices.push(
      `with one worker down the busiest survivor serves ${load(other.survivorLoad)} its reads instead of ${load(given.survivorLoad)}`,
    );
  }
  return prices.length === 0 ? gain : `${gain} The price: ${prices.join(', and ')}.`;
}

function oneMoreCopy(more: LayoutFigures, given: LayoutFigures, rule: ServiceRule): string {
  const reads =
    `One more copy of each ${partitionWordOf(rule.partitionWord)} (${more.copies}, as a ring, ${Number((more.copies / given.copies).toFixed(2))} times the storage): outages of reads ` +
    `${formatProbability(more.readOutage.share)} of the time instead of ${formatProbability(given.readOutage.share)}`;
  if (rule.writeNeeds === 'one-holder') return `${reads}.`;
  const direction = more.unwritableShare > given.unwritableShare ? 'more' : 'less';
  return (
    `${reads}; but ${direction} is unwritable, ${formatProbability(more.unwritableShare)} of the ${partitionWordOf(rule.partitionWord)}s instead of ` +
    `${formatProbability(given.unwritableShare)}, because a write needs every copy.`
  );
}

const NAMES = { given: 'As given', ring: 'A ring', random: 'A random layout', groups: 'Disjoint groups' } as const;

function nameOf({ layout }: LayoutFigures): string {
  return NAMES[layout];
}

function setsInWords({ fatalSets, fatalSize }: LayoutFigures): string {
  const noun = fatalSize === 1 ? 'fatal worker' : fatalSize === 2 ? 'fatal pair' : `fatal set`;
  const words = plural(fatalSets, noun);
  return fatalSize > 2 ? `${words} of ${fatalSize}` : words;
}

function load(factor: number): string {
  return `${Number(factor.toFixed(2))} times`;
}

function nearly(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(a, b);
}

/** The most frequent number of copies; the lower one of two. */
function usualCopies(sets: HolderSets): number {
  return [...sets.copies].reduce(
    ([usual, most], [size, partitions]) => (partitions > most ? [size, partitions] : [usual, most]),
    [0, 0],
  )[0];
}

function sameSets(a: HolderSets, b: HolderSets): boolean {
  if (a.count !== b.count || a.members.length !== b.members.length) return false;
  const describe = (sets: HolderSets, s: number) => `${membersOf(sets, s).join()}:${sets.partitions[s]}`;
  const described = new Set(Array.from({ length: b.count }, (_, s) => describe(b, s)));
  return Array.from({ length: a.count }, (_, s) => describe(a, s)).every((set) => described.has(set));
}

/**
 * By what factor the reads of the busiest survivor grow with one worker down, if reads spread evenly over live
 * placements.
 */
function survivorLoad(sets: HolderSets): number {
  const before = new Float64Array(sets.workers);
  for (let s = 0; s < sets.count; s++) {
    const part = (sets.partitions[s] as number) / sizeOf(sets, s);
    for (const w of membersOf(sets, s)) before[w] = (before[w] as number) + part;
  }
  let busiest = 1;
  const extra = new Float64Array(sets.workers);
  for (let down = 0; down < sets.workers; down++) {
    const mine = setsOfWorker(sets, down);
    for (const s of mine) {
      const size = sizeOf(sets, s);
      const taken = size === 1 ? 0 : (sets.partitions[s] as number) * (1 / (size - 1) - 1 / size);
      for (const w of membersOf(sets, s)) extra[w] = (extra[w] as number) + taken;
    }
    for (const s of mine) {
      for (const w of membersOf(sets, s)) {
        if (w !== down) busiest = Math.max(busiest, 1 + (extra[w] as number) / (before[w] as number));
      }
    }
    for (const s of mine) for (const w of membersOf(sets, s)) extra[w] = 0;
  }
  return busiest;
}

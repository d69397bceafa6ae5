/** Compares figures of tolerance with brute force, closed formulae and each other. */

import fc from 'fast-check';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import { describe, expect, test } from 'vitest';
import { citus } from '../../src/engines/citus.ts';
import { native } from '../../src/engines/native.ts';
import { type Placement, placedBy, type ServiceRule } from '../../src/model/service-rule.ts';
import {
  binomial,
  binomialDistribution,
  shareContaining,
  shareTouching,
} from '../../src/plan/tolerance/combinatorics.ts';
import { enumerate } from '../../src/plan/tolerance/enumerate.ts';
import { fatalShares } from '../../src/plan/tolerance/fatal-shares.ts';
import { type HolderSets, holderSetsOf, membersOf } from '../../src/plan/tolerance/holders.ts';
import { LAYOUTS, layOut } from '../../src/plan/tolerance/layouts.ts';
import { sampleFatalShares } from '../../src/plan/tolerance/sample.ts';
import { worstForReads, worstForWrites } from '../../src/plan/tolerance/worst.ts';
import { tolerance } from '../../src/plan/tolerance.ts';
import { toleranceText } from '../../src/reporters/tolerance.ts';
import { expected } from '../support/expected.ts';
import { runs } from '../support/properties.ts';

/** Every subset of the workers, partition by partition, by brute force. */
interface BruteForce {
  readonly subsets: number;
  readonly fatal: number;
  readonly lost: number;
  readonly worst: number;
  /** P(at least one partition lost), workers up for `availability` of the time. */
  readonly outage: number;
}

function bruteForce(
  { workers, partitions }: Placement,
  isLost: (copies: readonly string[], down: ReadonlySet<string>) => boolean,
  availability: number,
): BruteForce[] {
  const rows = workers.concat('').map(() => ({ subsets: 0, fatal: 0, lost: 0, worst: 0, outage: 0 }));
  for (let mask = 0; mask < 2 ** workers.length; mask++) {
    const down = new Set(workers.filter((_, w) => (mask >> w) & 1));
    const lost = partitions.filter(({ copies }) => isLost(copies, down)).length;
    const row = rows[down.size] as (typeof rows)[number];
    row.subsets++;
    row.lost += lost;
    row.worst = Math.max(row.worst, lost);
    if (lost === 0) continue;
    row.fatal++;
    row.outage += (1 - availability) ** down.size * availability ** (workers.length - down.size);
  }
  return rows;
}

const noneLives = (copies: readonly string[], down: ReadonlySet<string>) => copies.every((name) => down.has(name));
const oneIsDown = (copies: readonly string[], down: ReadonlySet<string>) => copies.some((name) => down.has(name));

/** Any placement on few workers, with random numbers of copies and holders. */
const anyPlacement = (maxWorkers: number): fc.Arbitrary<Placement> =>
  fc.integer({ min: 1, max: maxWorkers }).chain((n) => {
    const workers = Array.from({ length: n }, (_, w) => `node${w}`);
    return fc
      .array(fc.subarray(workers, { minLength: 1, maxLength: Math.min(n, 5) }), { minLength: 1, maxLength: 16 })
      .map((holders) => ({ workers, partitions: holders.map((copies, i) => ({ name: `S${i}`, copies })) }));
  });

/** Like Citus, without the worker that takes the locks. */
const ALL_HOLDERS: ServiceRule = { name: 'all-holders', partitionWord: 'shard', writeNeeds: 'all-holders' };
const OPTIONS = { rule: ALL_HOLDERS, nodeAvailability: 0.9, seed: 1 } as const;
const SAMPLING = { seed: 1, halfWidth: 0.001, looks: 2e7 } as const;
/** So few visits that only single workers are exact. */
const HARDLY_ANY = 1;

function setsOfRing(workers: number, replication: number, partitions = workers): HolderSets {
  return holderSetsOf(layOut('ring', { workers, replication, partitions }, 0));
}

describe('the whole map against brute force', () => {
  test('any placement of up to 12 workers', () => {
    fc.assert(
      fc.property(anyPlacement(12), (placement) => {
        const n = placement.workers.length;
        const map = tolerance(placement, { ...OPTIONS, maxDown: n });
        for (const [access, isLost] of [
          [map.reads, noneLives],
          [map.writes, oneIsDown],
        ] as const) {
          const expected = bruteForce(placement, isLost, OPTIONS.nodeAvailability);
          expect(access.rows).toHaveLength(n);
          for (const row of access.rows) {
            const truth = expected[row.down] as BruteForce;
            expect(row.subsets).toBe(String(truth.subsets));
            expect(row.fatal).toMatchObject({ count: String(truth.fatal), method: 'exact' });
            expect(row.fatal.share).toBeCloseTo(truth.fatal / truth.subsets, 12);
            expect(row.expectedShare).toBeCloseTo(truth.lost / truth.subsets / placement.partitions.length, 12);
            expect(row.worst).toMatchObject({ partitions: truth.worst, atMost: truth.worst });
            const named = new Set(row.worst.workers);
            expect(named.size).toBe(row.down);
            expect(placement.partitions.filter(({ copies }) => isLost(copies, named))).toHaveLength(truth.worst);
          }
          expect(access.outage.share).toBeCloseTo(
            expected.reduce((sum, { outage }) => sum + outage, 0),
            12,
          );
          expect(access.smallestFatal.size).toBe(expected.findIndex(({ fatal }) => fatal > 0));
          expect(access.smallestFatal.count).toBe(expected[access.smallestFatal.size]?.fatal);
          const cuts = access.smallestFatal.sets.map(({ cutsOff }) => cutsOff);
          expect(cuts).toEqual(cuts.toSorted((a, b) => b - a));
          expect(cuts[0]).toBe(expected[access.smallestFatal.size]?.worst);
          for (const { workers, cutsOff } of access.smallestFatal.sets) {
            const down = new Set(workers);
            expect(placement.partitions.filter(({ copies }) => isLost(copies, down))).toHaveLength(cutsOff);
          }
        }
      }),
      { numRuns: runs(120) },
    );
  });

  test('the rule of the native engine makes writes like reads', () => {
    const map = tolerance(layOut('ring', { workers: 4, replication: 2, partitions: 4 }, 0), {
      ...OPTIONS,
      rule: native.rule,
    });
    expect(map.writes).toEqual(map.reads);
    expect(map.reads.rows.map(({ fatal }) => fatal.count)).toEqual(['0', '4', '4', '1']);
  });
});

describe('the map says what the engine predicts', () => {
  const engines = [native, citus];
  const topologies = [4, 6].flatMap((workers) =>
    [1, 2, 3].flatMap((replication) => [workers, 9].map((partitions) => ({ workers, replication, partitions }))),
  );
  const cases = engines.flatMap((engine) =>
    topologies.flatMap((topology) => LAYOUTS.map((layout) => ({ engine, topology, layout }))),
  );

  test.each(cases)('$engine.name, $topology, $layout: every subset of the workers', ({ engine, topology, layout }) => {
    const placement = placedBy(engine.rule, layOut(layout, topology, 5));
    const { workers } = placement;
    const predicted = {
      partitions: placement.partitions.map((partition, index) => ({ index, ...partition })),
      partitionOfKey: {},
    };
    const map = tolerance(placement, { rule: engine.rule, nodeAvailability: 0.9, seed: 1, maxDown: workers.length });
    const also = placement.writesAlsoNeed === undefined ? {} : { writesAlsoNeed: placement.writesAlsoNeed };
    const tallies = Array.from({ length: workers.length + 1 }, () => ({
      reads: { subsets: 0, fatal: 0, lost: 0, worst: 0 },
      writes: { subsets: 0, fatal: 0, lost: 0, worst: 0 },
    }));
    for (let mask = 0; mask < 2 ** workers.length; mask++) {
      const down = new Set(workers.filter((_, w) => (mask >> w) & 1));
      const partitions = expected(engine, { ...predicted, ...also }, down);
      for (const [access, served] of [
        ['reads', 'readable'],
        ['writes', 'writable'],
      ] as const) {
        const tally = (tallies[down.size] as (typeof tallies)[number])[access];
        const lost = partitions.filter((partition) => !partition[served]).length;
        tally.subsets++;
        tally.lost += lost;
        tally.fatal += Number(lost > 0);
        tally.worst = Math.max(tally.worst, lost);
      }
    }
    for (const access of ['reads', 'writes'] as const) {
      expect(map[access].rows).toHaveLength(workers.length);
      for (const row of map[access].rows) {
        const { subsets, fatal, lost, worst } = (tallies[row.down] as (typeof tallies)[number])[access];
        expect(row.fatal.count).toBe(String(fatal));
        expect(row.worst).toMatchObject({ partitions: worst, atMost: worst });
        expect(row.expectedShare).toBeCloseTo(lost / subsets / topology.partitions, 12);
      }
    }
  });
});

describe('an enumeration that stops early', () => {
  test('agrees with brute force as far as it goes, and brackets the worst case beyond that', () => {
    fc.assert(
      fc.property(anyPlacement(10), fc.integer({ min: 1, max: 2_000 }), (placement, looks) => {
        const n = placement.workers.length;
        const sets = holderSetsOf(placement);
        const exact = enumerate(sets, looks);
        const lost = bruteForce(placement, noneLives, 0.5);
        const broken = bruteForce(placement, oneIsDown, 0.5);
        for (const [k, { fatal, worst }] of exact.reads.entries()) {
          expect({ fatal, worst }).toEqual({ fatal: lost[k]?.fatal, worst: lost[k]?.worst });
        }
        for (const [k, { fatal, worst }] of exact.writes.entries()) {
          expect({ fatal, worst }).toEqual({ fatal: broken[k]?.fatal, worst: broken[k]?.worst });
        }
        for (const [found, truth] of [
          [worstForReads(sets, exact.reads, n), lost],
          [worstForWrites(sets, exact.writes, n), broken],
        ] as const) {
          expect(found).toHaveLength(n + 1);
          for (const [k, { partitions, atMost, workers }] of found.entries()) {
            expect(partitions).toBeLessThanOrEqual(truth[k]?.worst as number);
            expect(atMost).toBeGreaterThanOrEqual(truth[k]?.worst as number);
            expect(new Set(workers).size).toBe(k);
          }
        }
      }),
      { numRuns: runs(150) },
    );
  });

  test('single workers are always exact', () => {
    expect(enumerate(setsOfRing(50, 2), HARDLY_ANY).reads).toHaveLength(2);
  });

  test('the named workers lose the stated partitions', () => {
    const placement = layOut('ring', { workers: 12, replication: 2, partitions: 24 }, 0);
    const sets = holderSetsOf(placement);
    for (const { partitions, workers } of worstForReads(sets, enumerate(sets, HARDLY_ANY).reads, 12)) {
      const down = new Set(workers.map((w) => placement.workers[w] as string));
      expect(placement.partitions.filter(({ copies }) => noneLives(copies, down))).toHaveLength(partitions);
    }
  });
});

describe('rings and groups against closed formulae', () => {
  /** Subsets of k workers of a ring that lose nothing: n/(n-k) * sum (-1)^j C(n-k, j) C(n-rj-1, n-k-1). */
  function survivingOfRing(n: number, r: number, k: number): bigint {
    let sum = 0n;
    for (let j = 0; j <= n - k && n - r * j - 1 >= 0; j++) {
      sum += (j % 2 === 0 ? 1n : -1n) * binomial(n - k, j) * binomial(n - r * j - 1, n - k - 1);
    }
    return (BigInt(n) * sum) / BigInt(n - k);
  }

  test.each([
    [4, 2],
    [13, 3],
    [30, 2],
    [41, 4],
    [64, 2],
    [200, 3],
  ])('a ring of %i workers with %i copies: exact as far as it is counted, and else within two intervals', (n, r) => {
    const { estimates, counts } = fatalShares(setsOfRing(n, r), SAMPLING);
    for (let k = 1; k < n; k++) {
      const subsets = binomial(n, k);
      const fatal = subsets - survivingOfRing(n, r, k);
      const truth = Number((fatal * 10n ** 15n) / subsets) / 1e15;
      const { share, low, high, method } = estimates[k] as (typeof estimates)[number];
      expect(method).toBe(counts[k] === undefined ? 'sampled' : 'exact');
      if (method === 'exact') expect(share).toBeCloseTo(truth, 10);
      // One interval in twenty misses the truth, by little.
      expect(Math.abs(share - truth)).toBeLessThanOrEqual(2 * SAMPLING.halfWidth);
      expect(low).toBeLessThanOrEqual(share);
      expect(high - low).toBeLessThanOrEqual(2 * SAMPLING.halfWidth);
      if (counts[k] !== undefined) expect(counts[k]).toBe(fatal);
    }
    expect(counts.slice(0, 4).every((count) => count !== undefined)).toBe(true);
  });

  test('a ring of 2 copies survives n/(n-k) C(n-k, k) subsets', () => {
    for (let k = 1; k <= 15; k++) {
      expect(survivingOfRing(30, 2, k)).toBe((30n * binomial(30 - k, k)) / BigInt(30 - k));
    }
  });

  test('well-known figures: n=4, n=6, n=8 with 2 copies', () => {
    const share = (n: number, k: number) => fatalShares(setsOfRing(n, 2), SAMPLING).estimates[k]?.share;
    expect(share(4, 2)).toBeCloseTo(4 / 6, 12);
    expect(share(4, 3)).toBe(1);
    expect(share(6, 2)).toBeCloseTo(0.4, 12);
    // "6 workers can lose up to 3": true of 2 of the 20 choices.
    expect(share(6, 3)).toBeCloseTo(18 / 20, 12);
    expect(share(8, 2)).toBeCloseTo(8 / 28, 12);
  });

  test('the share of a given set: products against binomials', () => {
    for (const [n, k, r] of [
      [12, 5, 3],
      [40, 40, 2],
      [40, 1, 2],
      [60, 31, 4],
    ] as const) {
      const all = Number(binomial(n, k));
      expect(shareContaining(n, k, r)).toBeCloseTo(Number(binomial(n - r, k - r)) / all, 12);
      expect(shareTouching(n, k, r)).toBeCloseTo(1 - Number(binomial(n - r, k)) / all, 12);
    }
  });

  test('the binomial distribution: exact for few, sums to 1 and keeps its mean for many', () => {
    expect([...binomialDistribution(3, 0.1)].map((p) => Number(p.toFixed(12)))).toEqual([0.729, 0.243, 0.027, 0.001]);
    const many = binomialDistribution(10_000, 0.001);
    expect(many.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
    expect(many.reduce((sum, p, k) => sum + p * k, 0)).toBeCloseTo(10, 9);
    expect([...binomialDistribution(2, 0)]).toEqual([1, 0, 0]);
    expect([...binomialDistribution(2, 1)]).toEqual([0, 0, 1]);
  });
});

describe('sampling', () => {
  const placement = layOut('random', { workers: 20, replication: 3, partitions: 60 }, 5);
  const sets = holderSetsOf(placement);
  const exact = fatalShares(sets, SAMPLING).estimates;

  test('the truth is in the interval, for every k and nearly every seed', () => {
    let intervals = 0;
    let hits = 0;
    for (let seed = 0; seed < 60; seed++) {
      const { shares, halfWidths } = sampleFatalShares(sets, { seed, halfWidth: 0.01 });
      for (let k = 3; k < 12; k++) {
        intervals++;
        expect(halfWidths[k]).toBeLessThanOrEqual(0.01);
        if (Math.abs((shares[k] as number) - (exact[k]?.share as number)) <= (halfWidths[k] as number)) hits++;
      }
    }
    expect(hits / intervals).toBeGreaterThan(0.95);
  });

  test('agrees with plain random subsets of a large cluster', () => {
    const large = holderSetsOf(layOut('random', { workers: 200, replication: 2, partitions: 1_000 }, 3));
    const { shares, halfWidths } = sampleFatalShares(large, { seed: 9, halfWidth: 0.001 });
    const pairs = new Set(Array.from({ length: large.count }, (_, s) => membersOf(large, s).join()));
    const random = mersenne(4);
    const samples = 100_000;
    const k = 6;
    let fatal = 0;
    for (let i = 0; i < samples; i++) {
      const down = new Set<number>();
      while (down.size < k) down.add(uniformInt(random, 0, 199));
      const ascending = [...down].sort((a, b) => a - b);
      if (ascending.some((a, at) => ascending.slice(at + 1).some((b) => pairs.has(`${a},${b}`)))) fatal++;
    }
    // Wilson's interval of the plain estimate, at four standard errors.
    const z = 4;
    const plain = fatal / samples;
    const centre = (plain + z ** 2 / (2 * samples)) / (1 + z ** 2 / samples);
    const half =
      (z / (1 + z ** 2 / samples)) * Math.sqrt((plain * (1 - plain)) / samples + z ** 2 / (4 * samples ** 2));
    expect(Math.abs((shares[k] as number) - centre)).toBeLessThan(half + (halfWidths[k] as number));
    expect(plain).toBeGreaterThan(0.1);
    expect(plain).toBeLessThan(0.9);
  });

  test('the long end, where few walks count for many, stays unbiased', () => {
    // The mean survival over seeds: a lost weight of ended walks would show here.
    const k = exact.findIndex(({ share }) => share > 0.996);
    expect(exact[k]?.share).toBeLessThan(1);
    let surviving = 0;
    for (let seed = 0; seed < 10; seed++) {
      surviving += (1 - (sampleFatalShares(sets, { seed, halfWidth: 0.001 }).shares[k] as number)) / 10;
    }
    const truth = 1 - (exact[k]?.share as number);
    expect(Math.abs(surviving - truth)).toBeLessThan(0.15 * truth);
  });

  test('the same seed gives the same figures, another seed others', () => {
    const draw = (seed: number) => sampleFatalShares(sets, { seed, halfWidth: 0.01 }).shares;
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test('is used for a large random placement, says so, and k up to 3 stays exact', () => {
    const large = layOut('random', { workers: 120, replication: 2, partitions: 1_200 }, 2);
    const map = tolerance(large, { ...OPTIONS, nodeAvailability: 0.999 });
    expect(map.sampling.walks).toBeGreaterThan(0);
    expect(map.reads.rows.slice(0, 3).map(({ fatal }) => fatal.method)).toEqual(['exact', 'exact', 'exact']);
    const pairs = holderSetsOf(large).count;
    expect(map.reads.rows[1]?.fatal.count).toBe(String(pairs));
    for (const { fatal } of map.reads.rows.slice(3)) {
      expect(fatal.method).toBe('sampled');
      expect(fatal.low).toBeLessThanOrEqual(fatal.share);
      expect(fatal.share).toBeLessThanOrEqual(fatal.high);
      expect(fatal.high - fatal.low).toBeLessThanOrEqual(0.002);
    }
    expect(map.reads.outage.method).toBe('sampled');
    expect(map.writes.rows.every(({ fatal }) => fatal.method === 'exact')).toBe(true);
  });

  test('an interval stays within hard bounds: the count at k = 3, and the sum over all sets', () => {
    const large = holderSetsOf(layOut('random', { workers: 300, replication: 3, partitions: 1_500 }, 6));
    const { estimates } = fatalShares(large, { ...SAMPLING, halfWidth: 0.01, looks: 1e8 });
    for (const [k, { low, high, method }] of estimates.entries()) {
      if (method === 'exact') continue;
      expect(low).toBeGreaterThanOrEqual(estimates[3]?.share as number);
      expect(high).toBeLessThanOrEqual(Math.min(1, large.count * shareContaining(300, k, 3)));
    }
    // At k = 4 the walks alone would be wider on both sides.
    expect(estimates[4]).toMatchObject({
      low: estimates[3]?.share,
      high: large.count * shareContaining(300, 4, 3),
      method: 'sampled',
    });
  });
});

test.each([
  ['10000000000', 3e-7, 'about 3.0e3'],
  ['10', 0.5, 'about 5'],
  ['1000', 3e-7, 'about 1'],
  ['1000', 0, 'about 0'],
  [`1${'0'.repeat(300)}`, 4.2e-200, 'about 4.2e100'],
])('of %s subsets a sampled share of %d is %s', (subsets, share, words) => {
  const map = tolerance(layOut('ring', { workers: 4, replication: 2, partitions: 4 }, 0), OPTIONS);
  const [row] = map.reads.rows;
  if (!row) throw new Error('no row');
  const sampled = { ...row, subsets, fatal: { share, low: 0, high: 1, method: 'sampled' as const } };
  const reads = { ...map.reads, rows: [sampled] };
  const text = toleranceText({ ...map, reads, writes: reads }, { origin: 'as a ring', columns: 200 }).join('\n');
  expect(text).toContain(` ${words} `);
});

describe('layouts', () => {
  test.each(LAYOUTS)('%s: every shard has its copies, on different workers, spread evenly', (layout) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }).chain((workers) =>
          fc.record({
            workers: fc.constant(workers),
            replication: fc.integer({ min: 1, max: workers }),
            rounds: fc.integer({ min: 1, max: 5 }),
          }),
        ),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        ({ workers, replication, rounds }, seed) => {
          const placement = layOut(layout, { workers, replication, partitions: workers * rounds }, seed);
          expect(placement.partitions).toHaveLength(workers * rounds);
          const held = new Map(placement.workers.map((worker) => [worker, 0]));
          for (const { copies } of placement.partitions) {
            expect(new Set(copies).size).toBe(replication);
            for (const worker of copies) held.set(worker, (held.get(worker) as number) + 1);
          }
          expect(Math.max(...held.values()) - Math.min(...held.values())).toBeLessThanOrEqual(
            layout === 'random' ? 2 : 0,
          );
        },
      ),
    );
  });

  test('groups of 2 on 5 workers: two disjoint groups', () => {
    const { partitions } = layOut('groups', { workers: 5, replication: 2, partitions: 10 }, 0);
    const together = new Set(partitions.map(({ copies }) => copies.toSorted().join('+')));
    expect([...together].sort()).toEqual(['worker1+worker2', 'worker3+worker4', 'worker3+worker5', 'worker4+worker5']);
  });
});

describe('advice', () => {
  test('is computed: groups halve the fatal pairs of a ring and double what one cuts off', () => {
    const { layouts, findings } = tolerance(layOut('ring', { workers: 8, replication: 2, partitions: 32 }, 0), {
      ...OPTIONS,
      rule: native.rule,
    }).advice;
    const given = layouts.find(({ layout }) => layout === 'given');
    const groups = layouts.find(({ layout }) => layout === 'groups');
    expect(given).toMatchObject({ fatalSize: 2, fatalSets: 8, cutsOff: 4, survivorLoad: 1.5 });
    expect(groups).toMatchObject({ fatalSize: 2, fatalSets: 4, cutsOff: 8, survivorLoad: 2 });
    expect(groups?.readOutage.share).toBeLessThan(given?.readOutage.share as number);
    expect(groups?.unreadableShare).toBeCloseTo(given?.unreadableShare as number, 15);
    expect(findings[0]).toMatch(
      /^Disjoint groups: .*4 fatal pairs instead of 8 fatal pairs.*up to 8 shards instead of 4/,
    );
  });

  test('says that nothing is gained if the placement has groups already', () => {
    const { findings } = tolerance(layOut('groups', { workers: 8, replication: 2, partitions: 32 }, 0), OPTIONS).advice;
    expect(findings).toContain('None of the other layouts makes outages of reads notably rarer.');
    expect(findings.some((finding) => finding.startsWith('Disjoint groups'))).toBe(false);
  });

  test('names shards with fewer copies, and the price of one more copy if writes need all copies', () => {
    const ring = layOut('ring', { workers: 6, replication: 2, partitions: 12 }, 0);
    const [first, ...others] = ring.partitions;
    const placement = { ...ring, partitions: [{ name: 'lonely', copies: ['worker1'] }, ...others] };
    expect(first).toBeDefined();
    const { findings } = tolerance(placement, OPTIONS).advice;
    expect(findings[0]).toMatch(/^1 shard has only 1 copy;/);
    const more = findings.at(-1) as string;
    expect(more).toContain('One more copy of each shard (3, as a ring, 1.5 times the storage)');
    expect(more).toContain('but more is unwritable');
  });
});

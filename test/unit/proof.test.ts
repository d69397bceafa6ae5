/** The sets of a proof, its verdict, and its matrix. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { citus } from '../../src/engines/citus.ts';
import { native } from '../../src/engines/native.ts';
import { InputError } from '../../src/model/errors.ts';
import { placedBy, predictBy } from '../../src/model/service-rule.ts';
import { dataNodes, partitionName } from '../../src/model/topology.ts';
import {
  comparePartitions,
  judgeProof,
  MAX_SUBSETS,
  type ObservedPartition,
  type Proof,
  type ProvenSubset,
  subsetsToProve,
} from '../../src/plan/proof.ts';
import { proofMarkdown, proofSvg, proofText } from '../../src/reporters/proof.ts';
import { runs } from '../support/properties.ts';
import { ring, sharded, workersNamed } from '../support/sharded.ts';

const RING = sharded({ workers: 4, replication: 2, partitions: 4 });
const WORKERS = dataNodes(RING);
const PLACEMENT = ring(RING);

describe('sets to prove', () => {
  test('all 15 of 4 workers, small ones first, each once', () => {
    const sets = subsetsToProve(WORKERS, PLACEMENT, 4, false);
    expect(sets.map(({ down }) => down.length)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4]);
    expect(new Set(sets.map(({ down }) => down.join())).size).toBe(15);
    expect(sets.every(({ standsFor }) => standsFor === 1)).toBe(true);
    expect(subsetsToProve(WORKERS, PLACEMENT, 2, false)).toHaveLength(10);
  });

  test.each([
    // Necklaces of n beads in two colours, but for the one without a worker down.
    [3, 3],
    [4, 5],
    [5, 7],
    [6, 13],
    [8, 35],
  ])('a ring of %i workers turns into itself: %i sets stand for all', (workers, expected) => {
    const topology = sharded({ workers, replication: 2, partitions: workers });
    const sets = subsetsToProve(dataNodes(topology), ring(topology), workers, true);
    expect(sets).toHaveLength(expected);
    expect(sets.reduce((sum, { standsFor }) => sum + standsFor, 0)).toBe(2 ** workers - 1);
  });

  test('a placement without symmetry is not pruned', () => {
    const lopsided = [...PLACEMENT, { copies: ['worker1', 'worker2'] }];
    expect(subsetsToProve(WORKERS, lopsided, 4, true)).toHaveLength(15);
  });

  test('the order of copies counts: a ring with one shard reversed is not symmetric', () => {
    const turned = PLACEMENT.map((partition, i) => (i === 0 ? { copies: partition.copies.toReversed() } : partition));
    expect(subsetsToProve(WORKERS, turned, 4, true)).toHaveLength(15);
  });

  test('sets that are equal by symmetry lose equally many shards by every rule', () => {
    const holders = fc.uniqueArray(fc.constantFrom(...WORKERS), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(holders, { minLength: 1, maxLength: 5 }), (all) => {
        const partitions = all.map((copies, index) => ({ index, name: partitionName(index), copies }));
        for (const { rule } of [native, citus]) {
          const placement = placedBy(rule, { workers: WORKERS, partitions });
          const losses = (down: readonly string[]) => {
            const seen = predictBy(rule, placement, new Set(down));
            return `${down.length} ${seen.filter((s) => !s.readable).length} ${seen.filter((s) => !s.writable).length}`;
          };
          const counts = new Map<string, number>();
          for (const { down } of subsetsToProve(WORKERS, partitions, 4, false)) {
            counts.set(losses(down), (counts.get(losses(down)) ?? 0) + 1);
          }
          for (const { down, standsFor } of subsetsToProve(WORKERS, partitions, 4, true, placement.writesAlsoNeed)) {
            counts.set(losses(down), (counts.get(losses(down)) ?? 0) - standsFor);
          }
          expect([...counts.values()].every((left) => left === 0)).toBe(true);
        }
      }),
      { numRuns: runs(50) },
    );
  });

  test('a worker that every write needs equals no other', () => {
    const sets = subsetsToProve(WORKERS, PLACEMENT, 1, true, 'worker1');
    expect(sets).toEqual([
      { down: ['worker1'], standsFor: 1 },
      { down: ['worker2'], standsFor: 1 },
      { down: ['worker3'], standsFor: 1 },
      { down: ['worker4'], standsFor: 1 },
    ]);
  });

  test('too many sets are refused before anything starts', () => {
    const workers = workersNamed(16);
    expect(() => subsetsToProve(workers, [], 16, false)).toThrow(InputError);
    expect(() => subsetsToProve(workers, [], 16, false)).toThrow(
      `--max-down: 4 of 16 workers down makes more than ${MAX_SUBSETS} sets to prove`,
    );
    expect(subsetsToProve(workers, [], 3, false)).toHaveLength(16 + 120 + 560);
  });
});

const SERVED: ObservedPartition = { partition: 'A', readable: true, writable: true };

describe('rules', () => {
  test('native serves while one placement lives; citus writes only while all live, and the first worker', () => {
    const words = (name: 'native' | 'citus', ...down: string[]) => {
      const { rule } = name === 'native' ? native : citus;
      return predictBy(rule, placedBy(rule, { workers: WORKERS, partitions: PLACEMENT }), new Set(down)).map(
        ({ partition, readable, writable }) => `${partition}${readable ? 'r' : '-'}${writable ? 'w' : '-'}`,
      );
    };
    expect(words('native', 'worker1')).toEqual(['Arw', 'Brw', 'Crw', 'Drw']);
    expect(words('citus', 'worker1')).toEqual(['Ar-', 'Br-', 'Cr-', 'Dr-']);
    expect(words('citus', 'worker2')).toEqual(['Ar-', 'Br-', 'Crw', 'Drw']);
    expect(words('native', 'worker1', 'worker2')).toEqual(['A--', 'Brw', 'Crw', 'Drw']);
    expect(words('citus', 'worker1', 'worker2')).toEqual(['A--', 'Br-', 'Cr-', 'Dr-']);
  });
});

describe('judging', () => {
  test('predicted equals observed', () => {
    expect(comparePartitions([SERVED], [SERVED], 'shard')).toMatchObject({ findings: [] });
    const lost = { partition: 'A', readable: false, writable: false };
    expect(
      comparePartitions([lost], [{ ...lost, readError: 'refused', writeError: 'refused' }], 'shard').findings,
    ).toEqual([]);
  });

  test.each([
    [
      { readable: false },
      { readError: '08001: no server' },
      'shard A is not readable, but was predicted to be (08001: no server)',
    ],
    [
      { writable: false },
      { writeError: '57014: cancelled' },
      'shard A is not writable, but was predicted to be (57014: cancelled)',
    ],
  ])('less than predicted: %j', (seen, error, finding) => {
    expect(comparePartitions([SERVED], [{ ...SERVED, ...seen, ...error }], 'shard').findings).toEqual([finding]);
  });

  test('more than predicted is a finding too', () => {
    const { findings } = comparePartitions([{ partition: 'A', readable: true, writable: false }], [SERVED], 'shard');
    expect(findings).toEqual(['shard A is writable, but was predicted not to be']);
  });

  test('a shard without a prediction is a bug, not a pass', () => {
    expect(() => comparePartitions([], [SERVED], 'shard')).toThrow('nothing was predicted for shard A');
  });

  const subset = (judgement: ProvenSubset['judgement'], findings: string[] = []): ProvenSubset => ({
    down: ['worker1'],
    standsFor: 1,
    judgement,
    findings,
    partitions: [],
    run: '2026-11-23T12-00-00Z-proof-1-worker1',
    strikeMs: 0,
    probeMs: 0,
    healMs: 0,
  });

  test('all as predicted passes; one that differs fails; one that is missing or untried is unknown', () => {
    expect(judgeProof([subset('pass'), subset('pass')], 2, 'shard')).toEqual({
      judgement: 'pass',
      finding: 'All 2 sets of workers behave as predicted, shard by shard.',
    });
    expect(judgeProof([subset('pass'), subset('fail', ['shard A is lost']), subset('unknown')], 3, 'shard')).toEqual({
      judgement: 'fail',
      finding: '1 of 3 sets of workers behave differently than predicted; the first: worker1 down, shard A is lost.',
    });
    expect(judgeProof([subset('pass')], 2, 'shard')).toEqual({
      judgement: 'unknown',
      finding: '1 of 2 sets of workers could not be judged.',
    });
    expect(judgeProof([subset('unknown'), subset('pass')], 2, 'shard').judgement).toBe('unknown');
    expect(judgeProof([], 1, 'shard').judgement).toBe('unknown');
  });
});

describe('the matrix', () => {
  const seen = (partition: string, code: string, promised = code) => ({
    partition,
    readable: code[0] === 'r',
    writable: code[1] === 'w',
    predicted: { readable: promised[0] === 'r', writable: promised[1] === 'w' },
  });
  const proof: Proof = {
    version: 2,
    judgement: 'fail',
    finding: '1 of 3 sets of workers behave differently than predicted; the first: a<b down, shard A is not writable.',
    startedAt: '2026-11-23T12:00:00.000Z',
    durationMs: 4_321,
    platform: 'local',
    engine: 'native',
    predictedBy: 'rule native',
    fault: 'node-kill',
    topology: { workers: 2, replication: 2, partitions: 2 },
    partitionWord: 'shard',
    placement: [
      { index: 0, name: 'A', copies: ['a<b', 'c'] },
      { index: 1, name: 'B', copies: ['c', 'a<b'] },
    ],
    clusters: 1,
    pruned: false,
    subsets: [
      {
        down: ['a<b'],
        standsFor: 1,
        judgement: 'fail',
        findings: ['shard A is not writable, but was predicted to be (XX000: \u001b[31mno)'],
        partitions: [seen('A', 'r-', 'rw'), seen('B', 'rw')],
        run: 'run-1',
        strikeMs: 1,
        probeMs: 2,
        healMs: 3,
      },
      {
        down: ['c'],
        standsFor: 1,
        judgement: 'unknown',
        findings: ['the fault did not take effect'],
        partitions: [],
        run: 'run-2',
        strikeMs: 1,
        probeMs: 0,
        healMs: 3,
      },
      {
        down: ['a<b', 'c'],
        standsFor: 1,
        judgement: 'pass',
        findings: [],
        partitions: [seen('A', '--'), seen('B', '--')],
        run: 'run-3',
        strikeMs: 1,
        probeMs: 2,
        healMs: 3,
      },
    ],
  };

  test('as text', () => {
    expect(proofText(proof, 100).join('\n')).toMatchInlineSnapshot(`
      "Proof of tolerance: fail. 1 of 3 sets of workers behave differently than predicted; the first: a<b down, shard A is not writable.
        2 workers, 2 shards, replication 2; engine native on platform local; fault node-kill; predicted by
        rule native. 3 sets of workers in 4.32 s on 1 cluster.

      Where the shards are
        - A: a<b, c
        - B: c, a<b

      Observed
        rw: read and write served; r-: only the read; -w: only the write; --: neither. If it differs from
        the prediction, the prediction follows in brackets after "not".
        down     A            B   as predicted
        a<b      r- (not rw)  rw  NO
        c        ?            ?   not judged
        a<b + c  --           --  yes

      Findings
        - a<b down: shard A is not writable, but was predicted to be (XX000: ␛[31mno)
        - c down: the fault did not take effect"
    `);
  });

  test('as Markdown: all rows have one width, and text is escaped', () => {
    const text = proofMarkdown(proof, 'proof.svg');
    const table = text.split('\n').filter((line) => line.startsWith('|'));
    expect(table).toHaveLength(5);
    expect(new Set(table.map((line) => line.split('|').length)).size).toBe(1);
    expect(text).not.toContain('a<b');
    expect(text.trimEnd().endsWith('(proof.svg)')).toBe(true);
  });

  test('as a picture: a cell for every set and shard, with a frame only where they differ', () => {
    const svg = proofSvg(proof);
    expect(svg).not.toContain('a<b');
    expect(svg).not.toContain('\u001b');
    expect(svg.match(/<g>/g)).toHaveLength(6);
    expect(svg.match(/<\/g>/g)).toHaveLength(6);
    const cells = svg.slice(svg.indexOf('<g>'), svg.lastIndexOf('</g>'));
    expect(cells.match(/class="wrong"/g)).toHaveLength(1);
    expect(cells.match(/class="yes"/g)).toHaveLength(3);
    expect(cells.match(/class="no"/g)).toHaveLength(5);
    expect(cells.match(/class="none"/g)).toHaveLength(4);
  });

  test('many shards are counted, without a column for each', () => {
    const partitions = Array.from({ length: 40 }, (_, i) => partitionName(i));
    const wide: Proof = {
      ...proof,
      placement: partitions.map((name, index) => ({ index, name, copies: ['c'] })),
      subsets: [
        {
          ...(proof.subsets[2] as ProvenSubset),
          partitions: partitions.map((name, i) => seen(name, i < 30 ? 'rw' : 'r-')),
        },
      ],
    };
    expect(proofText(wide, 100).at(-1)).toMatch(/^ {2}a<b \+ c +40 of 40 +30 of 40 +yes$/);
  });
});

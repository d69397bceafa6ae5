/** Checks of what a run records only where it is asked to: each answer, and what it rests on. */

import { describe, expect, test } from 'vitest';
import { checks } from '../../src/catalog.ts';
import type { Check } from '../../src/checks/check.ts';
import { readsScale } from '../../src/checks/reads-scale.ts';
import { storageOverhead } from '../../src/checks/storage-overhead.ts';
import { workersServe } from '../../src/checks/workers-serve.ts';
import { OBSERVATIONS, type ReadScalingStep, type RunEvent } from '../../src/model/event.ts';
import { buildHistory } from '../support/history-builder.ts';

function run(check: Check, event: RunEvent | undefined, written: Readonly<Record<string, unknown>> = {}) {
  const history = buildHistory({
    acts: [],
    ...(check === storageOverhead ? { partitions: 1 } : {}),
    events: (events) => (event ? [...events, { at: 9_000, ...event }] : events),
  });
  return check.check(history, check.params.parse(written));
}

const failed = (observation: (typeof OBSERVATIONS)[number]): RunEvent => ({
  type: 'observation-failed',
  observation,
  error: 'worker3 does not answer',
});

test('every observation is needed by a check', () => {
  expect(new Set(checks.flatMap(({ needs = [] }) => needs))).toEqual(new Set(OBSERVATIONS));
});

test.each([
  [workersServe, 'work-of-workers', {}],
  [storageOverhead, 'storage', { max: 2 }],
  [readsScale, 'read-scaling', { min: 2 }],
] as const)('%s is unknown where nothing was observed, with the reason', (check, observation, written) => {
  expect(run(check, undefined, written)).toMatchObject({
    judgement: 'unknown',
    observed: 'it was not observed in this run',
  });
  expect(run(check, failed(observation), written)).toMatchObject({
    judgement: 'unknown',
    observed: 'it could not be observed: worker3 does not answer',
  });
});

describe('workers-serve', () => {
  const work = (...counts: readonly (readonly [reads: number, writes: number])[]): RunEvent => ({
    type: 'work-of-workers',
    workers: counts.map(([reads, writes], i) => ({ node: `worker${i + 1}`, reads, writes })),
  });

  test('passes when each has its part, and reports the range', () => {
    expect(run(workersServe, work([100, 25], [100, 25], [150, 20], [50, 30]))).toMatchObject({
      judgement: 'pass',
      observed: 'reads: 12.5 % to 37.5 % on each of 4 workers; writes: 20 % to 30 % on each of 4 workers',
      evidence: expect.arrayContaining(['worker4: 50 reads, 30 writes']),
    });
  });

  test('fails and names the one that does nothing', () => {
    expect(run(workersServe, work([100, 25], [100, 25], [0, 25], [100, 25]))).toMatchObject({
      judgement: 'fail',
      observed: expect.stringContaining('reads: 0 % to 33.333 % on each of 4 workers, too few on worker3;'),
    });
    expect(run(workersServe, work([100, 25], [100, 25], [0, 25], [100, 25]), { of: 'write' }).judgement).toBe('pass');
  });

  test('holds each against the share that is asked for', () => {
    const uneven = work([10, 40], [10, 40], [10, 15], [10, 5]);
    expect(run(workersServe, uneven, { of: 'write', 'min-share': '5%' }).judgement).toBe('pass');
    expect(run(workersServe, uneven, { of: 'write', 'min-share': '10%' })).toMatchObject({
      judgement: 'fail',
      observed: 'writes: 5 % to 40 % on each of 4 workers, too few on worker4',
    });
  });

  test('is unknown where nothing was written at all', () => {
    expect(run(workersServe, work([1, 0], [1, 0], [1, 0], [1, 0]))).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining('no write was counted on any worker'),
    });
  });
});

describe('storage-overhead', () => {
  const storage = (oneCopyBytes: number, ...bytes: readonly number[]): RunEvent => ({
    type: 'storage',
    oneCopyBytes,
    copies: bytes.map((each, i) => ({ partition: 'A', node: `worker${i + 1}`, bytes: each })),
  });

  test('is the ratio of all placements to one copy', () => {
    const twice = storage(2 ** 20, 2 ** 20, 1.1 * 2 ** 20);
    expect(run(storageOverhead, twice, { min: 1.9, max: 2.2 })).toMatchObject({
      judgement: 'pass',
      expected: '1.9 to 2.2 times one copy',
      observed: '2.1 times one copy: 2.1 MiB in 2 placements, 1 MiB as one copy',
      evidence: ['worker1: A 1 MiB', 'worker2: A 1.1 MiB'],
    });
    expect(run(storageOverhead, twice, { max: 2 }).judgement).toBe('fail');
    expect(run(storageOverhead, twice, { min: 2.15, max: 3 }).judgement).toBe('fail');
  });

  test('is unknown where one copy takes no space', () => {
    expect(run(storageOverhead, storage(0, 0), { max: 2 }).judgement).toBe('unknown');
  });

  test('limits that exclude each other are refused', () => {
    const facts = { kinds: [], partitions: [], messages: 0 };
    expect(storageOverhead.validate?.({ min: 3, max: 2 }, facts)).toEqual([
      { path: ['min'], message: 'min is 3, which is more than max, 2' },
    ]);
  });
});

describe('reads-scale', () => {
  const step = (workers: number, ok: number, served = workers): ReadScalingStep => ({
    workers,
    served: Array.from({ length: served }, (_, i) => `worker${i + 1}`),
    ok,
    failed: 0,
    forMs: 2_000,
  });
  const scaling = (cores: number, ...steps: readonly ReadScalingStep[]): RunEvent => ({
    type: 'read-scaling',
    cores,
    steps,
  });

  test('is unknown where no worker was seen to serve', () => {
    expect(run(readsScale, scaling(2, step(1, 2_000, 0), step(4, 5_000, 0)), { min: 2 })).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringMatching(/ from 4; no worker was seen to serve its part$/),
    });
  });

  test('passes on the ratio of all workers to one, whatever the cores', () => {
    expect(run(readsScale, scaling(2, step(1, 2_000), step(2, 3_000), step(4, 5_000)), { min: 2 })).toMatchObject({
      judgement: 'pass',
      observed: '2.5 times the reads: 1,000 a second from one worker, 2,500 a second from 4',
      evidence: [
        '1 worker: 1,000 a second, served by worker1',
        '2 workers: 1,500 a second, served by worker1, worker2',
        '4 workers: 2,500 a second, served by worker1, worker2, worker3, worker4',
        '2 cores for 5 servers and the client',
      ],
    });
  });

  test('a low ratio fails where every server has a core, and is unknown where they share', () => {
    const low = [step(1, 2_000), step(4, 2_100)];
    expect(run(readsScale, scaling(6, ...low), { min: 2 }).judgement).toBe('fail');
    expect(run(readsScale, scaling(5, ...low), { min: 2 })).toMatchObject({
      judgement: 'unknown',
      observed: expect.stringContaining('; 5 cores for 5 servers and the client are the limit'),
    });
  });

  test('a ratio is nothing where not all workers were seen to serve', () => {
    expect(run(readsScale, scaling(2, step(1, 2_000), step(4, 9_000, 3)), { min: 2 })).toMatchObject({
      judgement: 'fail',
      observed: expect.stringContaining('only worker1, worker2, worker3 served them'),
    });
  });

  test('is unknown where there is nothing to compare', () => {
    expect(run(readsScale, scaling(8, step(1, 2_000)), { min: 2 }).judgement).toBe('unknown');
    expect(run(readsScale, scaling(8, step(1, 0), step(2, 5)), { min: 2 }).judgement).toBe('unknown');
  });
});

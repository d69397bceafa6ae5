/** The proof of a fault against what the load saw meanwhile. */

import { describe, expect, test } from 'vitest';
import { faultTookEffect } from '../../src/checks/fault-took-effect.ts';
import { judge } from '../../src/judge.ts';
import type { NodeEffect, NodeName } from '../../src/model/topology.ts';
import { type ActSpec, buildHistory, REFUSED, timesOf, within } from '../support/history-builder.ts';

const { effectMs, healAskedMs } = timesOf();
const struck = (targets: readonly NodeName[], effect?: NodeEffect): ActSpec => ({
  targets,
  ...(effect ? { effect } : {}),
});
/** Partition A is on worker1 and worker2. */
const gone =
  (partitions: readonly number[]) => (one: { readonly partition?: number | undefined; readonly intendedAt: number }) =>
    one.intendedAt >= effectMs &&
    one.intendedAt < healAskedMs &&
    (one.partition === undefined || partitions.includes(one.partition));

describe('a proof that the load contradicts', () => {
  test.each([
    ['the coordinator is down, and operations through it are answered', struck(['coordinator'], 'down')],
    ['the coordinator is frozen, and operations through it are answered', struck(['coordinator'], 'frozen')],
    ['both holders of a shard are down, and its rows are read', struck(['worker1', 'worker2'], 'down')],
  ])('%s: not in effect', (_, act) => {
    const history = buildHistory({ acts: [act] });
    const finding = faultTookEffect.check(history, {});
    expect(finding.judgement).toBe('unknown');
    expect(finding.observed).toMatch(/^nothing was tested: .* did not take effect$/);
    expect(finding.evidence.join()).toMatch(/but the load had \d+ answers from nodes that were down or frozen/);
  });

  test('two acts that leave no copy only together: both', () => {
    const history = buildHistory({ acts: [struck(['worker1'], 'down'), struck(['worker2'], 'frozen')] });
    expect(
      faultTookEffect.check(history, {}).evidence.filter((line) => line.includes('but the load had')),
    ).toHaveLength(2);
  });

  test('then failures are not held against the cluster', () => {
    const history = buildHistory({
      acts: [struck(['coordinator'], 'down')],
      answer: (one) => (within(effectMs, effectMs + 2_000)(one) ? REFUSED : undefined),
    });
    const item = (check: string, params: object) => ({
      check,
      params: { ...params },
      written: {},
      place: { file: 'x', line: 1, column: 1 },
    });
    const failing = {
      name: 'failing',
      summary: '',
      params: faultTookEffect.params,
      check: () => ({ judgement: 'fail' as const, expected: '', observed: '', evidence: [] }),
    };
    const { judgement } = judge(history, [item('failing', {})], [failing, faultTookEffect]);
    expect(judgement).toBe('unknown');
  });
});

describe('no contradiction', () => {
  test.each([
    ['the coordinator is down and everything fails', struck(['coordinator'], 'down'), [0, 1, 2, 3]],
    ['two holders are down and their shard fails', struck(['worker1', 'worker2'], 'down'), [0]],
    ['one of two holders is down', struck(['worker1'], 'down'), []],
    ['a fault that leaves its node up', struck(['coordinator']), []],
  ] as const)('%s', (_, act, partitions) => {
    const isGone = gone(partitions);
    const history = buildHistory({ acts: [act], answer: (one) => (isGone(one) ? REFUSED : undefined) });
    expect(faultTookEffect.check(history, {}).judgement).toBe('pass');
  });
});

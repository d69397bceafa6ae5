/** Limits on processors and memory: what is no limit for a node as it is, is refused. */

import { describe, expect, test } from 'vitest';
import type { NodeControl, NodeResources, Usage } from '../../src/cluster/platform.ts';
import { cpuThrottle } from '../../src/faults/cpu-throttle.ts';
import type { Fault, FaultContext } from '../../src/faults/fault.ts';
import { memoryLimit } from '../../src/faults/memory-limit.ts';

const CLUSTER = { placementSources: () => [] };
const FREE: Usage = {
  cpuShare: Number.POSITIVE_INFINITY,
  processors: 2,
  memoryBytes: 60e6,
  memoryLimitBytes: Number.POSITIVE_INFINITY,
  throttled: 0,
  leastMemoryBytes: 50e6,
};

/** A node that uses what it is told next, and its last use from then on. */
function node(...uses: readonly Partial<Usage>[]) {
  const limited: number[] = [];
  const rest = [...uses];
  const resources: Partial<NodeResources> = {
    usage: async () => ({ ...FREE, ...(rest.length > 1 ? rest.shift() : rest[0]) }),
    limits: async () => ({}) as never,
    limitMemory: async (bytes) => void limited.push(bytes),
  };
  return { limited, control: { name: 'worker1', resources } as NodeControl };
}

const refusal = (fault: Fault, params: object, use: Partial<Usage> = {}) =>
  fault.lacking?.(node(use).control, fault.params.parse(params), CLUSTER);

describe('cpu-throttle', () => {
  test.each([
    ['100 % of a machine with one processor', '100%', { processors: 1 }, '100 %'],
    ['a container that has less already', '50%', { processors: 0.25, cpuShare: 0.25 }, '25 %'],
    ['as much as it has', '25%', { processors: 0.25, cpuShare: 0.25 }, '25 %'],
  ])('%s is refused', async (_, share, use, has) => {
    expect(await refusal(cpuThrottle, { share }, use)).toBe(
      `it may already use only ${has} of a processor; write a lower share`,
    );
  });

  test('100 % of one of two processors is a limit', async () => {
    expect(await refusal(cpuThrottle, { share: '100%' })).toBeUndefined();
  });
});

describe('memory-limit', () => {
  test('no less than what is in use, no more than the limit that is there', async () => {
    expect(await refusal(memoryLimit, { limit: '20MB' })).toMatch(/uses 50 MB,.*write limit: 56MB or more/);
    expect(await refusal(memoryLimit, { limit: '200MB' }, { memoryLimitBytes: 128e6 })).toMatch(
      /already limited to 128 MB/,
    );
    expect(await refusal(memoryLimit, {}, { memoryLimitBytes: 90e6 })).toMatch(/already limited to 90 MB/);
    expect(await refusal(memoryLimit, { limit: '80MB' }, { memoryLimitBytes: 90e6 })).toBeUndefined();
  });

  test('what is in use is looked at again right before it strikes', async () => {
    const { control, limited } = node({}, { leastMemoryBytes: 100e6, memoryBytes: 120e6 });
    const params = memoryLimit.params.parse({ limit: '80MB' });
    expect(await memoryLimit.lacking?.(control, params, CLUSTER)).toBeUndefined();
    const context = { defer: async () => undefined } as Partial<FaultContext> as FaultContext;
    await expect(memoryLimit.inject([control], params, context)).rejects.toThrow(/worker1: it uses 100 MB/);
    expect(limited).toEqual([]);
    await memoryLimit.inject([control], memoryLimit.params.parse({}), context);
    expect(limited).toEqual([Math.ceil(120e6 * 1.1)]);
  });
});

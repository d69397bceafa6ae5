/** Limits as the kernel writes them, in both versions of control groups. */

import { describe, expect, test } from 'vitest';
import { DockerResources, parseLimits, usageOf } from '../../src/platforms/docker/resources.ts';

const Infinite = Number.POSITIVE_INFINITY;

test.each([
  ['version 1', '10000 100000\n99999744\n', [0.1, 99_999_744]],
  ['version 1, without limits', '-1 100000\n9223372036854771712\n', [Infinite, Infinite]],
  ['version 2', '50000 100000\n134217728\n', [0.5, 134_217_728]],
  ['version 2, without limits', 'max 100000\nmax\n', [Infinite, Infinite]],
])('%s', (_, text, [cpuShare, memoryBytes]) => {
  expect(parseLimits(text)).toEqual({ cpuShare, memoryBytes });
});

test.each([
  ['version 1: shared memory cannot be dropped', { total_cache: 90, total_shmem: 60 }, 70],
  ['version 2 takes any limit', { file: 90, shmem: 60 }, 0],
])('what is in use, %s', (_, stats, leastMemoryBytes) => {
  const seen = {
    cpu_stats: { online_cpus: 2, throttling_data: { throttled_periods: 3 } },
    memory_stats: { usage: 100, stats },
  };
  const limits = { NanoCpus: 0, CpuQuota: 5_000, CpuPeriod: 100_000, Memory: 0, MemorySwap: 0 };
  expect(usageOf(seen, limits)).toEqual({
    cpuShare: 0.05,
    processors: 0.05,
    memoryBytes: 100,
    memoryLimitBytes: Infinite,
    throttled: 3,
    leastMemoryBytes,
  });
  expect(usageOf(seen, { ...limits, CpuQuota: 0, Memory: 200 })).toMatchObject({
    processors: 2,
    memoryLimitBytes: 200,
  });
});

describe('putting limits back', () => {
  const NONE = { NanoCpus: 0, CpuQuota: 0, CpuPeriod: 0, Memory: 0, MemorySwap: 0 };

  /** A container's limits as the engine keeps them; it refuses the two ways to say processors side by side. */
  function container(limits: Partial<typeof NONE>) {
    const now = { ...NONE, ...limits };
    const resources = new DockerResources({
      inspect: async () => ({ ...now }),
      update: async (wanted) => {
        if ((wanted.CpuQuota && now.NanoCpus) || (wanted.NanoCpus && now.CpuQuota > 0)) throw new Error('conflict');
        Object.assign(now, wanted);
      },
      stats: async () => ({}),
      run: async () => ({ exitCode: 1, output: '' }),
    });
    return { now, resources };
  }

  test.each([
    ['none', {}, { CpuQuota: -1 }],
    ['--cpus 1.5', { NanoCpus: 1_500_000_000 }, {}],
    ['--cpu-quota', { CpuQuota: 50_000, CpuPeriod: 100_000 }, {}],
    ['--memory', { Memory: 1e9, MemorySwap: 2e9 }, { CpuQuota: -1 }],
  ])('%s', async (_, limits, otherwise) => {
    const { now, resources } = container(limits);
    const before = await resources.limits();
    await resources.limitCpu(0.1);
    await resources.limitMemory(96e6);
    expect(now.NanoCpus === 100_000_000 || now.CpuQuota === 10_000).toBe(true);
    await resources.restore(before);
    const { CpuPeriod: _period, ...rest } = now;
    const memory = 'Memory' in limits ? {} : { Memory: 2 ** 50, MemorySwap: 2 ** 50 };
    const { CpuPeriod: _before, ...wanted } = { ...NONE, ...limits, ...otherwise, ...memory };
    expect(rest).toEqual(wanted);
  });
});

test('something else is nothing', () => {
  expect(parseLimits('cat: memory.max: No such file or directory')).toBeUndefined();
});

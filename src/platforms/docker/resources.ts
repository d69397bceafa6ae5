/** Limits of a container's processor time and memory: the engine sets them, the kernel reports them. */

import { z } from 'zod';
import type { Limits, NodeResources, SeenLimits, Usage } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { ExecResult } from './exec.ts';

const PERIOD_US = 100_000;
/** The kernel's minimum. */
const MIN_QUOTA_US = 1_000;
/** The engine cannot remove a limit; a pebibyte is more than any machine has. */
const UNLIMITED_BYTES = 2 ** 50;

const limitsSchema = z.object({
  NanoCpus: z.number(),
  CpuQuota: z.number(),
  CpuPeriod: z.number(),
  Memory: z.number(),
  MemorySwap: z.number(),
});

export interface ResourceOptions {
  /** The container's host configuration. */
  readonly inspect: () => Promise<object>;
  readonly update: (limits: Partial<z.output<typeof limitsSchema>>) => Promise<void>;
  /** The engine's statistics of the container's control group. */
  readonly stats: () => Promise<object>;
  readonly run: (what: string, command: readonly string[]) => Promise<ExecResult>;
}

export class DockerResources implements NodeResources {
  readonly #options: ResourceOptions;

  constructor(options: ResourceOptions) {
    this.#options = options;
  }

  async limits(): Promise<Limits> {
    return limitsSchema.parse(await this.#options.inspect());
  }

  async limitCpu(share: number): Promise<void> {
    // The engine refuses to mix its two forms of this limit.
    const { NanoCpus = 0 } = await this.limits();
    await this.#options.update(
      NanoCpus > 0
        ? { NanoCpus: Math.round(share * 1e9) }
        : { CpuPeriod: PERIOD_US, CpuQuota: Math.max(MIN_QUOTA_US, Math.round(share * PERIOD_US)) },
    );
  }

  async limitMemory(bytes: number): Promise<void> {
    await this.#options.update({ Memory: bytes, MemorySwap: bytes });
  }

  async restore(limits: Limits): Promise<void> {
    const before = limitsSchema.parse(limits);
    const now = limitsSchema.parse(await this.limits());
    if (now.NanoCpus !== before.NanoCpus) await this.#options.update({ NanoCpus: before.NanoCpus });
    if (now.CpuQuota !== before.CpuQuota) await this.#options.update({ CpuQuota: before.CpuQuota || -1 });
    if (now.Memory !== before.Memory) {
      const { Memory, MemorySwap } = before;
      // The kernel requires swap to be at least memory, and -1 is not.
      const unlimited = { Memory: UNLIMITED_BYTES, MemorySwap: UNLIMITED_BYTES };
      await this.#options.update(Memory === 0 ? unlimited : { Memory, MemorySwap });
    }
  }

  async seen(): Promise<SeenLimits> {
    // Control groups v2, then v1.
    const script = `cd /sys/fs/cgroup
if [ -e cpu.max ]; then cat cpu.max memory.max
else echo "$(cat cpu/cpu.cfs_quota_us) $(cat cpu/cpu.cfs_period_us)"; cat memory/memory.limit_in_bytes; fi`;
    const { exitCode, output } = await this.#options.run('look at the limits', ['sh', '-c', script]);
    const seen = exitCode === 0 ? parseLimits(output) : undefined;
    if (seen) return seen;
    throw new EnvironmentError(`cannot read the limits: ${output.replace(/\s+/g, ' ')}`, {
      code: 'limits-unreadable',
    });
  }

  async usage(): Promise<Usage> {
    return usageOf(await this.#options.stats(), await this.limits());
  }
}

const statsSchema = z.object({
  cpu_stats: z.object({ online_cpus: z.number(), throttling_data: z.object({ throttled_periods: z.number() }) }),
  memory_stats: z.object({ usage: z.number(), stats: z.record(z.string(), z.number()).default({}) }),
});

/** From the engine's statistics of a container. Control groups v1 refuse a limit below the memory in use. */
export function usageOf(stats: object, limits: Limits): Usage {
  const { cpu_stats, memory_stats } = statsSchema.parse(stats);
  const { NanoCpus, CpuQuota, CpuPeriod, Memory } = limitsSchema.parse(limits);
  const quota = CpuQuota > 0 ? CpuQuota / (CpuPeriod || PERIOD_US) : Number.POSITIVE_INFINITY;
  const cpuShare = NanoCpus > 0 ? NanoCpus / 1e9 : quota;
  const { total_cache: cache, total_shmem: shared = 0 } = memory_stats.stats;
  return {
    cpuShare,
    processors: Math.min(cpuShare, cpu_stats.online_cpus),
    memoryBytes: memory_stats.usage,
    memoryLimitBytes: Memory > 0 && Memory < UNLIMITED_BYTES ? Memory : Number.POSITIVE_INFINITY,
    throttled: cpu_stats.throttling_data.throttled_periods,
    // The kernel can drop cached files, but not shared memory, which also counts as cached.
    leastMemoryBytes: cache === undefined ? 0 : memory_stats.usage - cache + shared,
  };
}

/** `10000 100000` and `99999744`, each on a line; -1 and `max` mean no limit. */
export function parseLimits(text: string): SeenLimits | undefined {
  const match = /^(-1|max|\d+) (\d+)\n(max|\d+)\s*$/.exec(text);
  if (!match) return undefined;
  const [, quota = '', period, memory = ''] = match;
  const memoryBytes = memory === 'max' ? Number.POSITIVE_INFINITY : Number(memory);
  return {
    cpuShare: quota === 'max' || quota === '-1' ? Number.POSITIVE_INFINITY : Number(quota) / Number(period),
    memoryBytes: memoryBytes >= UNLIMITED_BYTES ? Number.POSITIVE_INFINITY : memoryBytes,
  };
}

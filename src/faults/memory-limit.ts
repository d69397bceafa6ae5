/** `memory-limit`: the node gets little memory; the kernel kills processes that need more. */

import { z } from 'zod';
import type { NodeControl, Usage } from '../cluster/platform.ts';
import { bytes } from '../model/quantities.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { limitResources, resourcesOf, restoreLimits } from './limited-resources.ts';

/** Bytes: enough for a small server. */
const DEFAULT_LIMIT = 96e6;
/** Times the memory in use: the kernel needs a little more than that. */
const HEADROOM = 1.1;

const params = z.strictObject({
  limit: bytes
    .optional()
    .describe(
      'Memory of all processes of the node together, including cached files; by default 96MB, or 10 % above what the node uses if that is more.',
    ),
});

export const memoryLimit = defineFault<z.output<typeof params>, readonly number[]>({
  name: 'memory-limit',
  summary: 'Limits the memory of a node.',
  docs: {
    note: 'The kernel kills processes that need more. If it kills a backend, the server recovers as after `backend-kill`; if it kills the postmaster, the node is down. A limit below what is in use, or above the present limit, is refused. Docker only.',
    proof: "the kernel's limit, read within the node.",
    undo: 'the former limit is restored, and the node is started if it exited. Healed when it accepts SQL.',
    example: ['faults:', '  - { fault: memory-limit, target: worker1, limit: 128MB, for: 5s }'],
  },
  state: 'memory limited',
  params,
  needs: ['resource-limits'],

  async lacking(node, params) {
    const { refusal } = await limitOf(node, params);
    return refusal;
  },

  async inject(targets, params, context) {
    // The memory in use may have grown since the run started.
    const limits = await Promise.all(
      targets.map(async (node) => {
        const { limit, refusal } = await limitOf(node, params);
        if (refusal !== undefined) throw withoutEffect(node, refusal);
        return limit;
      }),
    );
    const limitsOf = new Map(targets.map((node, i) => [resourcesOf(node), limits[i] as number]));
    await limitResources(targets, (resources) => resources.limitMemory(limitsOf.get(resources) as number), context);
    return limits;
  },

  prove(targets, _params, limits) {
    return proveEach(targets, async (node, i) => {
      const { memoryBytes } = await resourcesOf(node).seen();
      // The kernel counts in pages.
      if (memoryBytes > (limits[i] as number)) throw withoutEffect(node, `it may use ${memoryBytes} bytes of memory`);
      return `at most ${memoryBytes} bytes of memory`;
    });
  },

  undo: restoreLimits,
});

/** The limit for a node, and why the node cannot have it now. */
async function limitOf(node: NodeControl, { limit: asked }: z.output<typeof params>) {
  const { memoryBytes, memoryLimitBytes, leastMemoryBytes } = await resourcesOf(node).usage();
  const limit = asked ?? Math.max(DEFAULT_LIMIT, Math.ceil(memoryBytes * HEADROOM));
  return { limit, refusal: refusalOf(limit, { memoryLimitBytes, leastMemoryBytes }) };
}

function refusalOf(
  limit: number,
  { memoryLimitBytes, leastMemoryBytes }: Pick<Usage, 'memoryLimitBytes' | 'leastMemoryBytes'>,
): string | undefined {
  if (limit >= memoryLimitBytes) {
    return `it is already limited to ${megabytes(memoryLimitBytes)} MB; write a lower limit`;
  }
  if (limit >= leastMemoryBytes) return undefined;
  const least = megabytes(leastMemoryBytes * HEADROOM);
  return `it uses ${megabytes(leastMemoryBytes)} MB, and the kernel accepts no lower limit; write limit: ${least}MB or more`;
}

function megabytes(count: number): number {
  return Math.ceil(count / 1e6);
}

/** `memory-limit`: the node must do with little memory; the kernel ends processes that want more. */

import { z } from 'zod';
import type { NodeControl, Usage } from '../cluster/platform.ts';
import { bytes } from '../model/quantities.ts';
import { defineFault } from './fault.ts';
import { limitResources, resourcesOf, restoreLimits } from './limited-resources.ts';
import { proveEach, withoutEffect } from './own-sessions.ts';

/** Bytes: enough for a small server. */
const DEFAULT_LIMIT = 96e6;
/** Of what is in use, so that the kernel can keep what it must. */
const HEADKEY = 1.1;

const params = z.strictObject({
  limit: bytes
    .optional()
    .describe(
      'Memory of all processes of the node together, its cached files included; by default 96MB, or a tenth more than the node has in use.',
    ),
});

export const memoryLimit = defineFault<z.output<typeof params>, readonly number[]>({
  name: 'memory-limit',
  summary: 'Limits the memory of a node.',
  docs: {
    note: 'The kernel kills what needs more. After a backend, the server recovers as after `backend-kill`; after the postmaster, it is down. A limit below what is in use, or above the present limit, is refused. Docker only.',
    proof: "the kernel's limit, read within the node.",
    undo: 'the limit is as before, and the node is started if it ended. Healed when it accepts SQL.',
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
    // What is in use may have grown since the run began.
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
      return `${memoryBytes} bytes of memory at most`;
    });
  },

  undo: restoreLimits,
});

/** The limit that a node gets, and why it cannot be limited so as it is now. */
async function limitOf(node: NodeControl, { limit: asked }: z.output<typeof params>) {
  const { memoryBytes, memoryLimitBytes, leastMemoryBytes } = await resourcesOf(node).usage();
  const limit = asked ?? Math.max(DEFAULT_LIMIT, Math.ceil(memoryBytes * HEADKEY));
  return { limit, refusal: refusalOf(limit, { memoryLimitBytes, leastMemoryBytes }) };
}

function refusalOf(
  limit: number,
  { memoryLimitBytes, leastMemoryBytes }: Pick<Usage, 'memoryLimitBytes' | 'leastMemoryBytes'>,
): string | undefined {
  if (limit >= memoryLimitBytes) {
    return `it is limited to ${megabytes(memoryLimitBytes)} MB as it is; write a limit below that`;
  }
  if (limit >= leastMemoryBytes) return undefined;
  const least = megabytes(leastMemoryBytes * HEADKEY);
  return `it has ${megabytes(leastMemoryBytes)} MB in use, and the kernel limits it to no less; write limit: ${least}MB or more`;
}

function megabytes(count: number): number {
  return Math.ceil(count / 1e6);
}

/** `memory-limit`: the node must do with little memory; the kernel ends processes that want more. */

import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import { bytes } from '../model/quantities.ts';
import { defineFault } from './fault.ts';
import { limitResources, resourcesOf, restoreLimits } from './limited-resources.ts';
import { proveEach, withoutEffect } from './own-sessions.ts';

/** Bytes: enough for a small server. */
const DEFAULT_LIMIT = 96e6;
/** Of what is in use, so that the kernel can keep what it must. */
const HEADROOM = 1.1;

const params = z.strictObject({
  limit: bytes
    .optional()
    .describe(
      'Memory of all processes of the node together, its cached files included; where it is left out 96MB, or a tenth more than the node has in use.',
    ),
});

export const memoryLimit = defineFault<z.output<typeof params>, readonly number[]>({
  name: 'memory-limit',
  summary: 'Limits the memory of a node.',
  state: 'memory limited',
  params,
  needs: ['resource-limits'],

  async lacking(node, { limit }) {
    const { leastMemoryBytes } = await resourcesOf(node).usage();
    if (limit === undefined || limit >= leastMemoryBytes) return undefined;
    const least = Math.ceil((leastMemoryBytes * HEADROOM) / 1e6);
    return `it has ${Math.ceil(leastMemoryBytes / 1e6)} MB in use, and the kernel limits it to no less; write limit: ${least}MB or more`;
  },

  async inject(targets, { limit }, context) {
    const limits = await Promise.all(targets.map((node) => limit ?? leastLimit(node)));
    const limitOf = new Map(targets.map((node, i) => [resourcesOf(node), limits[i] as number]));
    await limitResources(targets, (resources) => resources.limitMemory(limitOf.get(resources) as number), context);
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

async function leastLimit(node: NodeControl): Promise<number> {
  const { memoryBytes } = await resourcesOf(node).usage();
  return Math.max(DEFAULT_LIMIT, Math.ceil(memoryBytes * HEADROOM));
}

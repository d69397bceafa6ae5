/** `memory-limit`: the node must do with little memory; the kernel ends processes that want more. */

import { z } from 'zod';
import { bytes } from '../model/quantities.ts';
import { defineFault } from './fault.ts';
import { limitResources, resourcesOf, restoreLimits } from './limited-resources.ts';
import { proveEach, withoutEffect } from './own-sessions.ts';

const params = z.strictObject({
  limit: bytes.prefault('96MB').describe('Memory of all processes of the node together, its cached files included.'),
});

export const memoryLimit = defineFault<z.output<typeof params>>({
  name: 'memory-limit',
  summary: 'Limits the memory of a node.',
  state: 'memory limited',
  params,
  needs: ['resource-limits'],
  inject: (targets, { limit }, context) =>
    limitResources(targets, (resources) => resources.limitMemory(limit), context),

  prove(targets, { limit }) {
    return proveEach(targets, async (node) => {
      const { memoryBytes } = await resourcesOf(node).seen();
      // The kernel counts in pages.
      if (memoryBytes > limit) throw withoutEffect(node, `it may use ${memoryBytes} bytes of memory`);
      return `${memoryBytes} bytes of memory at most`;
    });
  },

  undo: restoreLimits,
});

/** Shared by `cpu-throttle` and `memory-limit`: limit a node, restore its limits. */

import { z } from 'zod';
import { type Limits, type NodeControl, type NodeResources, without } from '../cluster/platform.ts';
import type { FaultContext, Undo } from './fault.ts';

const undoDetail = z.object({ before: z.record(z.string(), z.number()) });

export async function limitResources(
  targets: readonly NodeControl[],
  act: (resources: NodeResources) => Promise<void>,
  { defer }: FaultContext,
): Promise<void> {
  await Promise.all(
    targets.map(async (node) => {
      const resources = resourcesOf(node);
      const before: Limits = await resources.limits();
      await defer({ action: 'restore-limits', node: node.name, detail: { before } });
      await act(resources);
    }),
  );
}

/** Also starts the node: the kernel may have killed it for want of memory. */
export async function restoreLimits({ detail }: Undo, node: NodeControl): Promise<string> {
  const { before } = undoDetail.parse(detail);
  const resources = resourcesOf(node);
  await resources.restore(before);
  await node.start();
  const { cpuShare, memoryBytes } = await resources.seen();
  const cpu = Number.isFinite(cpuShare) ? `${cpuShare} of a processor` : 'all processors';
  const memory = Number.isFinite(memoryBytes) ? `${memoryBytes} bytes of memory` : 'all memory';
  return `limits restored: ${cpu}, ${memory}`;
}

export function resourcesOf(node: NodeControl): NodeResources {
  return node.resources ?? without(node.name, 'resource-limits');
}

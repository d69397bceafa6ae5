/** `cpu-throttle`: the node gets a small share of one processor. */

import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import { share } from '../model/quantities.ts';
import { formatShare } from '../model/units.ts';
import { until } from '../model/until.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { limitResources, resourcesOf, restoreLimits } from './limited-resources.ts';
import { askOnce } from './own-sessions.ts';

/** Work for several scheduling periods of the kernel, 100 ms each. The proof does not wait for its end. */
const WORK = 'SELECT count(*) FROM generate_series(1, 5000000)';
/** Concurrent sessions: together they need more than one processor. */
const WORKERS = 2;
const WAIT_LIMIT_MS = 5_000;
const LOOK_AGAIN_MS = 50;
/** The kernel may round the limit. */
const TOLERANCE = 0.01;

const params = z.strictObject({
  share: share
    .refine((value) => value >= TOLERANCE, 'expected a share from 1% to 100%')
    .prefault('10%')
    .describe('Share of one processor for all processes of the node together; at least 1%.'),
});

export const cpuThrottle = defineFault<z.output<typeof params>, readonly number[]>({
  name: 'cpu-throttle',
  summary: 'Limits a node to a share of one processor.',
  docs: {
    note: 'Docker only; the share must be below what the node has.',
    proof: "the engine's limit, and the kernel's count of periods in which it was throttled.",
    undo: 'the former limit is restored. Healed when the node accepts SQL.',
    example: ['faults:', '  - { fault: cpu-throttle, target: worker1, share: 5%, for: 5s }'],
  },
  state: 'throttled',
  params,
  needs: ['resource-limits'],

  async lacking(node, { share }) {
    const { processors } = await resourcesOf(node).usage();
    if (share < processors - TOLERANCE) return undefined;
    return `it may already use only ${formatShare(processors)} of a processor; write a lower share`;
  },

  async inject(targets, { share }, context) {
    const before = await Promise.all(targets.map(async (node) => (await resourcesOf(node).usage()).throttled));
    await limitResources(targets, (resources) => resources.limitCpu(share), context);
    return before;
  },

  prove(targets, { share }, before) {
    return proveEach(targets, async (node, i) => {
      const { cpuShare } = await resourcesOf(node).usage();
      if (cpuShare > share + TOLERANCE) throw withoutEffect(node, `it may use ${formatShare(cpuShare)} of a processor`);
      const waited = await untilItWaits(node, before[i] as number);
      if (waited === 0) throw withoutEffect(node, 'it never waited for a processor');
      return `${formatShare(cpuShare)} of a processor, waited for it in ${waited} periods`;
    });
  },

  undo: restoreLimits,
});

/** Gives the node work. @returns in how many periods it has waited since `before`; 0 if it never did. */
async function untilItWaits(node: NodeControl, before: number): Promise<number> {
  for (let i = 0; i < WORKERS; i++) askOnce(node, WORK).catch(() => undefined);
  let waited = 0;
  await until({ limitMs: WAIT_LIMIT_MS, everyMs: LOOK_AGAIN_MS }, async () => {
    waited = (await resourcesOf(node).usage()).throttled - before;
    return waited > 0 ? undefined : waited;
  });
  return waited;
}

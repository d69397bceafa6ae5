/** `cpu-throttle`: the node gets a small share of one processor. */

import { z } from 'zod';
import { share } from '../model/quantities.ts';
import { formatShare } from '../model/units.ts';
import { defineFault } from './fault.ts';
import { limitResources, resourcesOf, restoreLimits } from './limited-resources.ts';
import { askOnce, proveEach, withoutEffect } from './own-sessions.ts';

/** The kernel counts in periods of a tenth of a second; this is several times a full share of them. */
const WORK = 'SELECT count(*) FROM generate_series(1, 500000)';
/** The kernel may round what it was told. */
const TOLERANCE = 0.01;

const params = z.strictObject({
  share: share
    .refine((value) => value >= TOLERANCE, 'expected a share from 1% to 100%')
    .prefault('10%')
    .describe('Of one processor, for all processes of the node together; from 1%.'),
});

export const cpuThrottle = defineFault<z.output<typeof params>, readonly number[]>({
  name: 'cpu-throttle',
  summary: 'Leaves a node a share of one processor.',
  state: 'throttled',
  params,
  needs: ['resource-limits'],

  async inject(targets, { share }, context) {
    const before = await Promise.all(targets.map(async (node) => (await resourcesOf(node).seen()).throttled));
    await limitResources(targets, (resources) => resources.limitCpu(share), context);
    return before;
  },

  prove(targets, { share }, before) {
    return proveEach(targets, async (node, i) => {
      await askOnce(node, WORK);
      const { cpuShare, throttled } = await resourcesOf(node).seen();
      if (cpuShare > share + TOLERANCE) throw withoutEffect(node, `it may use ${formatShare(cpuShare)} of a processor`);
      const waited = throttled - (before[i] as number);
      if (waited === 0) throw withoutEffect(node, 'it did not have to wait for a processor');
      return `${formatShare(cpuShare)} of a processor, waited for it in ${waited} periods`;
    });
  },

  undo: restoreLimits,
});

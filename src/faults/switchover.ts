/** `switchover`: a primary hands over cleanly, as before maintenance. */

import { z } from 'zod';
import type { NodeControl } from '../cluster/platform.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { startAgain } from './node-down.ts';
import { isStandby, managerOf, rolesOf, writtenTimeline } from './role-changes.ts';

const params = z.strictObject({
  to: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected the name of a node such as pg2')
    .optional()
    .describe('The standby that takes over; by default the manager chooses one.'),
});

interface HandedOver {
  readonly to: NodeControl;
  /** Of the old primary, if known. */
  readonly timeline: number | undefined;
}

export const switchover = defineFault<z.output<typeof params>, readonly HandedOver[]>({
  name: 'switchover',
  summary:
    'A clean handover: the primary stops, a standby with all its WAL takes over, the old one returns as a standby.',
  docs: {
    note: 'Primary/standby clusters only.',
    proof: 'the successor takes writes on a higher timeline, and the old primary is a standby.',
    undo: 'the old primary is started if it is down. Roles stay as they are.',
    example: [
      'cluster: { engine: streaming, members: 3 }',
      'faults:',
      '  - { fault: switchover, target: { role: primary } }',
    ],
  },
  state: 'handed over',
  params,
  needs: [],
  movingRoles: true,
  takes: () => ({ what: 'role' }),
  lacking: async (_node, _params, { manager }) => manager?.refuses,
  strikes: (targets) => [{ targets, gapMs: 0, forMs: 0 }],
  names: ({ to }) => (to === undefined ? [] : [{ path: ['to'], node: to }]),

  async inject(targets, { to }, { cluster, nodes, defer, signal }) {
    const handed: HandedOver[] = [];
    for (const node of targets) {
      const manager = managerOf(node, cluster);
      const seen = (await rolesOf(node, cluster, signal))[node.name];
      if (seen?.role !== 'primary') throw withoutEffect(node, `it is not a primary (${seen?.role ?? 'unknown'})`);
      if (!manager.switchover) throw withoutEffect(node, `the manager ${manager.name} cannot hand over`);
      await defer({ action: 'start', node: node.name });
      const next = await manager.switchover(to);
      const successor = nodes.find(({ name }) => name === next);
      if (!successor) throw withoutEffect(node, `it handed over to ${next}, which is not a node of the cluster`);
      handed.push({ to: successor, timeline: seen.timeline });
    }
    return handed;
  },

  prove(targets, _params, handed) {
    return proveEach(targets, async (node, i) => {
      const { to, timeline: before } = handed[i] as HandedOver;
      const timeline = await writtenTimeline(to);
      if (timeline === undefined) throw withoutEffect(to, 'it does not take writes');
      if (before !== undefined && timeline <= before) {
        throw withoutEffect(to, `it is on timeline ${timeline}, as ${node.name} was`);
      }
      if (!(await isStandby(node))) throw withoutEffect(node, 'it still takes writes');
      return `is a standby, ${to.name} takes writes on timeline ${timeline}`;
    });
  },

  undo: startAgain,
});

/** `promote`: a standby becomes a primary while the old one still takes writes, as after a careless failover. */

import { z } from 'zod';
import { untilServes } from '../cluster/health.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { isStandby, managerOf, rolesOf, writtenTimeline } from './role-changes.ts';

/** The timelines that the targets replayed, if known. */
type Before = readonly (number | undefined)[];

export const promote = defineFault<Readonly<Record<string, never>>, Before>({
  name: 'promote',
  summary: 'Promotes a standby by hand, without fencing the primary.',
  docs: {
    note: 'Two primaries take writes until it is undone; `split-brain` reports which writes each acknowledged. Primary/standby clusters only.',
    proof: 'the target takes writes on a higher timeline than the one it replayed.',
    undo: 'the promoted node stays primary; the old one is read, then copied anew as its standby. Healed when that streams.',
    example: [
      'cluster: { engine: streaming, members: 3 }',
      'faults:',
      '  - { fault: promote, target: { role: standby, pick: 1 }, for: 5s }',
    ],
  },
  state: 'promoted',
  params: z.strictObject({}),
  needs: [],
  movingRoles: true,
  lacking: async (_node, _params, { manager }) => manager?.refuses,

  async inject(targets, _params, { cluster, defer, signal }) {
    const before: (number | undefined)[] = [];
    // One at a time: each promotion changes which node the others follow.
    for (const node of targets) {
      const manager = managerOf(node, cluster);
      if (!(await isStandby(node))) throw withoutEffect(node, 'it is not a standby');
      before.push((await rolesOf(node, cluster, signal))[node.name]?.timeline);
      await defer({ action: 'one-primary', node: node.name });
      await manager.promote(node.name);
    }
    return before;
  },

  prove(targets, _params, before) {
    return proveEach(targets, async (node, i) => {
      const timeline = await writtenTimeline(node);
      if (timeline === undefined) throw withoutEffect(node, 'it is a standby');
      const was = before[i];
      if (was !== undefined && timeline <= was) throw withoutEffect(node, `it is still on timeline ${timeline}`);
      return `takes writes on timeline ${timeline}${was === undefined ? '' : `, replayed timeline ${was} before`}`;
    });
  },

  /** The promoted node stays primary; the engine makes the old one follow it. */
  async undo(_undo, node, { signal }) {
    await untilServes(node, Number.POSITIVE_INFINITY, signal);
    const timeline = await writtenTimeline(node);
    return timeline === undefined ? 'is a standby' : `takes writes on timeline ${timeline}`;
  },
});

/** `manager-paused`: the manager replaces no primary, as in a forgotten maintenance window. */

import { z } from 'zod';
import type { Manager } from '../cluster/manager.ts';
import { EnvironmentError } from '../model/errors.ts';
import { withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';
import { managerOf } from './role-changes.ts';

export const managerPaused = defineFault<Readonly<Record<string, never>>, Manager>({
  name: 'manager-paused',
  summary: 'Pauses the manager of the whole cluster: it replaces no primary until the pause ends.',
  docs: {
    note: "Sets `pause: true` in Patroni's settings over its REST API. Any member can be the target; no other fault can strike it meanwhile. Needs the engine `patroni`.",
    proof: 'every member that answers reports the pause.',
    undo: 'the pause ends. Healed when no member reports it.',
    example: [
      'cluster: { engine: patroni }',
      'faults:',
      '  - { fault: manager-paused, target: { role: standby, pick: 1 }, for: 60s }',
    ],
  },
  state: 'manager paused',
  params: z.strictObject({}),
  needs: [],
  movingRoles: true,
  takes: () => ({ what: 'manager' }),
  lacking: async (_node, _params, { manager }) =>
    manager?.pause ? undefined : `no manager that can be paused decides its role (${manager?.name ?? 'none'})`,

  async inject([node], _params, { cluster, defer }) {
    if (!node) throw new Error('manager-paused has no target');
    const manager = managerOf(node, cluster);
    if (!manager.pause) throw withoutEffect(node, `the manager ${manager.name} cannot be paused`);
    await defer({ action: 'end-pause', node: node.name });
    await manager.pause(true);
    return manager;
  },

  async prove(targets, _params, manager) {
    const [node] = targets;
    const said = (await manager.paused?.()) ?? [];
    if (said.length === 0 && node) throw withoutEffect(node, 'no member reports the pause');
    return `paused according to ${said.join(', ')}`;
  },

  async undo(_undo, _node, { manager }) {
    if (!manager?.pause) {
      throw new EnvironmentError('no manager is available that could end the pause', { code: 'not-healed' });
    }
    await manager.pause(false);
    return 'no member reports the pause any more';
  },
});

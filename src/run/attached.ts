/** A cluster of an inventory, lent to a run: nothing of it is made but the tables of pgquake, in a schema of their own. */

import type { Engine, FormOptions } from '../cluster/engine.ts';
import type { InventoryPlatform, Platform } from '../cluster/platform.ts';
import { mainRoute } from '../cluster/route.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { Inventory } from '../model/inventory.ts';
import type { Roles } from '../model/roles.ts';
import { connectOn } from './ask-node.ts';
import { attachedPlatform, type Found } from './standing.ts';

/** The platform as a run sees it: its nodes are taken hold of, and have to be well. */
export function platformOfInventory(platform: InventoryPlatform, inventory: Inventory): Platform {
  const attach = (_: string, { runFolder }: { readonly runFolder?: string | undefined } = {}) =>
    platform.attach(inventory, { runFolder });
  return attachedPlatform(platform, { attach }, inventory.name);
}

/** The engine as a run sees it: the cluster as it was found, with the tables of pgquake. */
export function engineOfInventory({ engine, cluster }: Found, { name }: Inventory): Engine {
  return {
    ...engine,
    layout: () => cluster.placement,
    expect: (state, loss) => engine.expect({ ...state, own: cluster.own ?? state.own }, loss),
    async form({ nodes, dataset, signal }: FormOptions) {
      const formed = await engine.inspect({ nodes, dataset, signal });
      if (!formed?.makeTables) throw unwell(name, 'its nodes are not one primary and its standbys');
      refuseUnwell(name, await formed.roles?.(signal));
      await using session = await connectOn(mainRoute(formed.routes));
      await nodes.attached?.makeOwnSchema(session);
      await formed.makeTables(dataset);
      return { ...formed, routes: { ...formed.routes, ...nodes.attached?.routes } };
    },
  };
}

/**
 * Nothing is broken that is not whole.
 * @throws EnvironmentError where a standby does not stream, or nobody takes writes.
 */
function refuseUnwell(name: string, roles: Roles = {}): void {
  const wrong = Object.entries(roles).flatMap(([node, { role, state }]) =>
    role === 'primary' || state === 'streaming' ? [] : [`${node} is ${role}, ${state ?? 'not streaming'}`],
  );
  if (wrong.length > 0) throw unwell(name, wrong.join('; '));
}

/** For nodes that are no cluster of the engine that is looked for. */
export function unwell(name: string, reason: string): EnvironmentError {
  return new EnvironmentError(`the cluster ${name} is not whole: ${reason}`, {
    code: 'cluster-not-whole',
    hint: '"pgquake attach check <inventory>" says what each node is and does; pgquake starts nothing that it did not stop',
  });
}

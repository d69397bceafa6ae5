/** Lends the cluster of an inventory to a run. pgquake creates only its own tables there, in their own schema. */

import type { Engine, FormOptions } from '../cluster/engine.ts';
import type { InventoryPlatform, Platform } from '../cluster/platform.ts';
import { mainRoute } from '../cluster/route.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { Inventory } from '../model/inventory.ts';
import type { Roles } from '../model/roles.ts';
import { connect } from './ask-node.ts';
import { attachedPlatform, type Found } from './standing.ts';

/** The platform for a run: attaches to the nodes, which must be healthy. */
export function platformOfInventory(platform: InventoryPlatform, inventory: Inventory): Platform {
  const attach = (_: string, { runFolder }: { readonly runFolder?: string | undefined } = {}) =>
    platform.attach(inventory, { runFolder });
  return attachedPlatform(platform, { attach }, inventory.name);
}

/** The engine for a run: the existing cluster, with pgquake's tables. */
export function engineOfInventory({ engine, cluster }: Found, { name }: Inventory): Engine {
  return {
    ...engine,
    layout: () => cluster.placement,
    expect: (state, loss) => engine.expect({ ...state, own: cluster.own ?? state.own }, loss),
    async form({ nodes, dataset, signal }: FormOptions) {
      const formed = await engine.inspect({ nodes, dataset, signal });
      if (!formed?.makeTables) throw unwell(name, 'its nodes are not one primary with its standbys');
      refuseUnwell(name, await formed.roles?.(signal));
      await using session = await connect(mainRoute(formed.routes));
      await nodes.attached?.makeOwnSchema(session);
      await formed.makeTables(dataset);
      return { ...formed, routes: { ...formed.routes, ...nodes.attached?.routes } };
    },
  };
}

/**
 * Refuses a cluster that is already broken.
 * @throws EnvironmentError where a node is neither primary nor a streaming standby.
 */
function refuseUnwell(name: string, roles: Roles = {}): void {
  const wrong = Object.entries(roles).flatMap(([node, { role, state }]) =>
    role === 'primary' || state === 'streaming' ? [] : [`${node} is ${role}, ${state ?? 'not streaming'}`],
  );
  if (wrong.length > 0) throw unwell(name, wrong.join('; '));
}

/** The error for an existing cluster that is incomplete or unhealthy. */
export function unwell(name: string, reason: string): EnvironmentError {
  return new EnvironmentError(`the cluster ${name} is not whole: ${reason}`, {
    code: 'cluster-not-whole',
    hint: '"pgquake attach check <inventory>" shows the state of each node; pgquake starts nothing that it did not stop',
  });
}

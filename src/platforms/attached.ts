/**
 * Platform `attached`: existing nodes; an inventory says how to reach each and how pgquake may break it. pgquake makes and
 * removes only its own schema, and never touches a node that the inventory does not name.
 */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sqlRefusal } from '../cluster/health.ts';
import { openSession } from '../cluster/open-session.ts';
import { dropOwnSchema, makeOwnSchema } from '../cluster/own-schema.ts';
import type { Capability, InventoryPlatform, NodeControl, Nodes } from '../cluster/platform.ts';
import type { Route } from '../cluster/route.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { ContainerPlace, Inventory, InventoryNode } from '../model/inventory.ts';
import { suggestion } from '../model/nearest.ts';
import { storedInventorySchema } from '../model/stored-inventory.ts';
import type { NodeName } from '../model/topology.ts';
import { addressOf } from './attached/address.ts';
import { byConnection } from './attached/by-connection.ts';
import { containersOfProject } from './attached/compose-project.ts';
import { dockerCommand, engineName, engineOf } from './attached/engine.ts';
import { inContainer } from './attached/in-container.ts';
import { KEPT_OFF } from './attached/kept-off.ts';
import { findService, machineOf } from './attached/machine-place.ts';
import { onMachine } from './attached/on-machine.ts';
import { behindPooler } from './attached/pooler.ts';
import { readClusterFile, removeClusterFile, writeClusterFile } from './cluster-file.ts';
import { EngineRefusal } from './docker/client.ts';
import { DockerNode } from './docker/node.ts';
import { docker } from './docker.ts';
import { own, ownerSchema, runningOwner } from './owner.ts';
import { Service } from './ssh/service.ts';

const ASK_LIMIT_MS = 5_000;
/** What a platform can do only to nodes that it made. */
const OF_OWN_CLUSTERS: readonly Capability[] = ['node-programs', 'node-parts'];

export const attached: InventoryPlatform = {
  name: 'attached',
  summary: 'existing servers; an inventory says how each is reached and may be broken',
  capabilities: new Set([...docker.capabilities].filter((one) => !OF_OWN_CLUSTERS.includes(one) && !(one in KEPT_OFF))),
  unavailable: async () => undefined,
  offers: async () => false,
  provision: async () => {
    throw new EnvironmentError('the platform attached makes no nodes', { code: 'no-platform' });
  },
  attach,
  containersOf: containersOfProject,

  async reclaim(runFolder, { force = false } = {}) {
    const remains = await readClusterFile(runFolder, remainsSchema);
    if (remains === undefined) return { removed: [] };
    const inUseBy = await runningOwner(remains.owner, runFolder, { serversAreProcesses: false, force });
    if (inUseBy !== undefined) return { inUseBy, removed: [] };
    const { containers, services, mark, inventory } = remains;
    const places = { containers: new Map(Object.entries(containers)), services: new Map(Object.entries(services)) };
    return { removed: [], standing: await nodesOf(inventory, places, { runFolder, mark }) };
  },
};

/** `cluster.json`: all that finds the nodes again. */
const remainsSchema = z.object({
  platform: z.literal('attached'),
  owner: ownerSchema,
  /** Of pgquake's schema. */
  mark: z.string().regex(/^run-[0-9a-f]{12}$/),
  /** Full ids: the name may belong to another container by now. */
  containers: z.record(z.string(), z.string()),
  /** Service names of nodes on machines. */
  services: z.record(z.string(), z.string()),
  inventory: storedInventorySchema,
});

async function attach(
  inventory: Inventory,
  { runFolder }: { readonly runFolder?: string | undefined } = {},
): Promise<Nodes> {
  const places = { containers: await containersOf(inventory), services: await servicesOf(inventory) };
  if (runFolder === undefined) return nodesOf(inventory, places);
  const mark = `run-${randomBytes(6).toString('hex')}`;
  const owner = await own(runFolder);
  // Recorded before anything can be made or broken.
  await writeClusterFile(runFolder, {
    platform: 'attached',
    owner,
    mark,
    containers: Object.fromEntries(places.containers),
    services: Object.fromEntries(places.services),
    inventory,
  });
  try {
    return await nodesOf(inventory, places, { runFolder, mark });
  } catch (error) {
    await removeClusterFile(runFolder);
    throw error;
  }
}

/** Where the nodes were found: container ids and service names. */
interface Places {
  readonly containers: ReadonlyMap<NodeName, string>;
  readonly services: ReadonlyMap<NodeName, string>;
}

/** The services of nodes on machines: from the inventory, else the service to which the server's process belongs. */
async function servicesOf({ nodes }: Inventory): Promise<ReadonlyMap<NodeName, string>> {
  const found = await Promise.all(
    nodes.flatMap((node) => {
      const { name, ssh, connection } = node;
      if (ssh === undefined) return [];
      const service =
        ssh.service ?? addressOf(connection, node).then((address) => findService(machineOf(ssh), name, address));
      return [Promise.resolve(service).then((one) => [name, one] as const)];
    }),
  );
  const key = (name: NodeName, service: string) => `${nodes.find((node) => node.name === name)?.ssh?.to} ${service}`;
  const keys = found.map(([name, service]) => key(name, service));
  const twice = found.find((_, i) => keys.indexOf(keys[i] as string) < i);
  if (twice) {
    throw new EnvironmentError(`two nodes name the service ${twice[1]} of one machine; one is ${twice[0]}`, {
      code: 'ambiguous-node',
    });
  }
  return new Map(found);
}

/** The ids of the containers that the inventory names. */
async function containersOf({ nodes }: Inventory): Promise<ReadonlyMap<NodeName, string>> {
  const ids = await Promise.all(
    nodes.flatMap(({ name, docker: place }) => (place === undefined ? [] : [idOf(name, place)])),
  );
  // Ids are unique across engines.
  const twice = ids.find(([, id], i) => ids.findIndex(([, other]) => other === id) < i);
  if (twice) {
    throw new EnvironmentError(`two nodes name the same container; one is ${twice[0]}`, { code: 'ambiguous-node' });
  }
  return new Map(ids);
}

async function idOf(name: NodeName, place: ContainerPlace): Promise<readonly [NodeName, string]> {
  const { container } = place;
  const client = engineOf(place);
  try {
    const { Id } = await client.inspect(`look at container ${container} of ${name}`, container);
    return [name, Id];
  } catch (error) {
    if (!(error instanceof EngineRefusal) || error.status !== 404) throw error;
    const there = await client.call('list all containers', (engine, abortSignal) =>
      engine.listContainers({ all: true, abortSignal }),
    );
    const names = there.flatMap(({ Names }) => Names[0]?.replace(/^\//, '') ?? []);
    throw new EnvironmentError(
      `${name}: the Docker engine at ${client.endpoint.host} has no container ${container}; ${suggestion(container, names)}`,
      {
        code: 'no-such-container',
        hint: 'correct the name of the container in the inventory, or its engine',
        cause: error,
      },
    );
  }
}

/** Absent where nothing is written. */
interface OfRun {
  readonly runFolder: string;
  readonly mark: string;
}

async function nodesOf(inventory: Inventory, places: Places, run?: OfRun): Promise<Nodes> {
  const all = await Promise.all(inventory.nodes.map((node) => nodeOf(node, places, inventory)));
  const addresses = all.map((node) => node.address());
  return {
    all,
    attached: {
      manager: inventory.manager?.address,
      routes: Object.fromEntries(await Promise.all(inventory.routes.map(routeOf))),
      makeOwnSchema: async (session) => {
        if (!run) throw new Error('only a run can make a schema');
        await makeOwnSchema(session, run.mark);
      },
    },
    dispose: async () => {
      if (!run) return;
      await dropOwnSchema(addresses, run.mark);
      await removeClusterFile(run.runFolder);
    },
  };
}

async function nodeOf(
  node: InventoryNode,
  { containers, services }: Places,
  { nodes }: Inventory,
): Promise<NodeControl> {
  const { name, connection, docker: place, ssh } = node;
  const address = await addressOf(connection, node);
  const peer = node.peer && { ...address, ...node.peer };
  const [containerId, serviceName] = [containers.get(name), services.get(name)];
  if (place !== undefined && containerId !== undefined) {
    const client = engineOf(place);
    const container = await DockerNode.of({ client, name, containerId, localAddresses: [], reachedElsewhere: true });
    const control = inContainer({
      name,
      address,
      peer,
      container,
      engine: engineName(place),
      docker: dockerCommand(place),
    });
    await refuseOther(
      control,
      (pid, port) => container.serves(pid, port),
      `in the container ${container.containerName}`,
    );
    return control;
  }
  if (ssh !== undefined && serviceName !== undefined) {
    const { undoAfterMs } = ssh;
    const service = await Service.of({ machine: machineOf(ssh), name, service: serviceName, undoAfterMs });
    const beside = nodes.find((other) => other !== node && other.ssh?.to === ssh.to)?.name;
    const control = onMachine({ address, peer: peer ?? address, service, beside });
    await refuseOther(control, (pid, port) => service.serves(pid, port), `as the service ${serviceName} of ${ssh.to}`);
    return control;
  }
  return byConnection(name, await behindPooler(address), peer ?? address);
}

/**
 * The process that serves a session must be in the named place, or a wrong name would strike another server.
 * @throws EnvironmentError if it is not.
 */
async function refuseOther(
  node: NodeControl,
  serves: (backend: number, clientPort: number | null) => Promise<boolean>,
  where: string,
): Promise<void> {
  if ((await node.state()) !== 'running' || (await sqlRefusal(node)) !== undefined) return;
  await using session = await openSession(node, 'standing', { limitMs: ASK_LIMIT_MS });
  const [row] = await session.query('SELECT pg_backend_pid(), inet_client_port()', [], { timeoutMs: ASK_LIMIT_MS });
  const [pid, port] = row ?? [];
  if (await serves(Number(pid), port === null ? null : Number(port))) return;
  throw new EnvironmentError(`${node.name}: the server at its connection string does not run ${where}`, {
    code: 'other-server',
    hint: 'name the container or service of this server in the inventory; pgquake cannot check it, and breaks nothing, if update_process_title is off or the image has no shell',
  });
}

async function routeOf(route: Inventory['routes'][number]): Promise<readonly [string, Route]> {
  const { name, access, connection } = route;
  const address = await behindPooler(await addressOf(connection, route));
  return [name, { name, access, addresses: async () => [address] }];
}

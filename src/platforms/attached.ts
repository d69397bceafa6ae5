/**
 * Platform `attached`: nodes exist, and an inventory says how each is reached and how it may be broken. Nothing is made
 * and nothing removed but the schema of pgquake; a node that the inventory does not name is never touched.
 */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sqlRefusal } from '../cluster/health.ts';
import { openSession } from '../cluster/open-session.ts';
import { dropOwnSchema, makeOwnSchema } from '../cluster/own-schema.ts';
import type { Capability, InventoryPlatform, NodeControl, Nodes } from '../cluster/platform.ts';
import type { Route } from '../cluster/route.ts';
import type { Address } from '../model/address.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { ContainerPlace, Inventory, InventoryNode } from '../model/inventory.ts';
import { suggestion } from '../model/nearest.ts';
import type { NodeName } from '../model/topology.ts';
import { addressOf } from './attached/address.ts';
import { dockerCommand, engineOf } from './attached/engine.ts';
import { attachedNode } from './attached/node.ts';
import { readClusterFile, removeClusterFile, writeClusterFile } from './cluster-file.ts';
import { EngineRefusal } from './docker/client.ts';
import { DockerNode } from './docker/node.ts';
import { own, ownerSchema, runningOwner } from './owner.ts';

const ASK_LIMIT_MS = 5_000;

const CAPABILITIES: readonly Capability[] = [
  'node-stop',
  'node-kill',
  'node-pause',
  'backend-kill',
  'network-disconnect',
  'network-rules',
  'network-bandwidth',
  'network-latency',
  'resource-limits',
];

export const attached: InventoryPlatform = {
  name: 'attached',
  summary: 'Nodes exist; an inventory says how each is reached and how it may be broken.',
  capabilities: new Set(CAPABILITIES),
  unavailable: async () => undefined,
  offers: async () => false,
  provision: async () => {
    throw new EnvironmentError('the platform attached makes no nodes', { code: 'no-platform' });
  },
  attach,

  async reclaim(runFolder, { force = false } = {}) {
    const remains = await readClusterFile(runFolder, remainsSchema);
    if (remains === undefined) return { removed: [] };
    const inUseBy = await runningOwner(remains.owner, runFolder, { serversAreProcesses: false, force });
    if (inUseBy !== undefined) return { inUseBy, removed: [] };
    const { containers, mark, inventory } = remains;
    return {
      removed: [],
      standing: await nodesOf(inventory, new Map(Object.entries(containers)), { runFolder, mark }),
    };
  },
};

const reachedBy = {
  name: z.string(),
  connection: z.object({
    host: z.string(),
    port: z.int(),
    user: z.string(),
    database: z.string(),
    sslmode: z.enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']),
    sslrootcert: z.string().exactOptional(),
  }),
  passwordFile: z.string().exactOptional(),
  passwordEnv: z.string().exactOptional(),
};

const place = z.object({
  container: z.string(),
  host: z.string().exactOptional(),
  certPath: z.string().exactOptional(),
  context: z.string().exactOptional(),
});

/** What `cluster.json` holds: what it takes to find the nodes again. The inventory has no password. */
const remainsSchema = z.object({
  platform: z.literal('attached'),
  owner: ownerSchema,
  /** Of the schema of pgquake. */
  mark: z.string().regex(/^run-[0-9a-f]{12}$/),
  /** Full ids: a container of the same name may be another one by now. */
  containers: z.record(z.string(), z.string()),
  inventory: z.object({
    name: z.string(),
    nodes: z.array(z.object({ ...reachedBy, docker: place.exactOptional() })),
    routes: z.array(z.object({ ...reachedBy, access: z.enum(['read', 'write']) })),
  }),
});

async function attach(
  inventory: Inventory,
  { runFolder }: { readonly runFolder?: string | undefined } = {},
): Promise<Nodes> {
  const containers = await containersOf(inventory);
  if (runFolder === undefined) return nodesOf(inventory, containers);
  const mark = `run-${randomBytes(6).toString('hex')}`;
  const owner = await own(runFolder);
  // On record before anything can be made or broken.
  await writeClusterFile(runFolder, {
    platform: 'attached',
    owner,
    mark,
    containers: Object.fromEntries(containers),
    inventory,
  });
  try {
    return await nodesOf(inventory, containers, { runFolder, mark });
  } catch (error) {
    await removeClusterFile(runFolder);
    throw error;
  }
}

/** The ids of the containers that the inventory names. */
async function containersOf({ nodes }: Inventory): Promise<ReadonlyMap<NodeName, string>> {
  const ids = await Promise.all(
    nodes.flatMap(({ name, docker: place }) => (place === undefined ? [] : [idOf(name, place)])),
  );
  // An id is given once, whatever the engine.
  const twice = ids.find(([, id], i) => ids.findIndex(([, other]) => other === id) < i);
  if (twice) {
    throw new EnvironmentError(`two nodes are in one container; one is ${twice[0]}`, { code: 'ambiguous-node' });
  }
  return new Map(ids);
}

async function idOf(name: NodeName, place: ContainerPlace): Promise<readonly [NodeName, string]> {
  const { container } = place;
  const client = engineOf(place);
  try {
    const { Id } = await client.call(`look at container ${container} of ${name}`, (engine, abortSignal) =>
      engine.getContainer(container).inspect({ abortSignal }),
    );
    return [name, Id];
  } catch (error) {
    if (!(error instanceof EngineRefusal) || error.status !== 404) throw error;
    const there = await client.call('list all containers', (engine, abortSignal) =>
      engine.listContainers({ all: true, abortSignal }),
    );
    const names = there.flatMap(({ Names }) => Names[0]?.replace(/^\//, '') ?? []);
    throw new EnvironmentError(
      `${name}: there is no container ${container} on the Docker engine at ${client.endpoint.host}; ${suggestion(container, names)}`,
      {
        code: 'no-such-container',
        hint: 'the inventory names the container of each node, and its engine',
        cause: error,
      },
    );
  }
}

/** Of a run; absent for those that write nothing. */
interface OfRun {
  readonly runFolder: string;
  readonly mark: string;
}

async function nodesOf(inventory: Inventory, containers: ReadonlyMap<NodeName, string>, run?: OfRun): Promise<Nodes> {
  const all = await Promise.all(inventory.nodes.map((node) => nodeOf(node, containers.get(node.name))));
  const addresses = all.map((node) => node.address());
  return {
    all,
    attached: {
      routes: Object.fromEntries(await Promise.all(inventory.routes.map(routeOf))),
      makeOwnSchema: async (session) => {
        if (!run) throw new Error('only a run makes a schema');
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

async function nodeOf(node: InventoryNode, containerId: string | undefined): Promise<NodeControl> {
  const { name, connection } = node;
  const address = await addressOf(connection, node);
  if (containerId === undefined || node.docker === undefined) return attachedNode({ name, address });
  const client = engineOf(node.docker);
  const container = await DockerNode.of({ client, name, containerId, localAddresses: [], reachedElsewhere: true });
  const control = attachedNode({ name, address, container, docker: dockerCommand(node.docker) });
  await refuseOther(control, container, address);
  return control;
}

/**
 * The process that serves a session must be in the container: a name that is mistaken would have another server struck.
 * @throws EnvironmentError where it is not.
 */
async function refuseOther(node: NodeControl, container: DockerNode, address: Address): Promise<void> {
  if ((await node.state()) !== 'running' || (await sqlRefusal(node)) !== undefined) return;
  await using session = await openSession(address, 'standing', { limitMs: ASK_LIMIT_MS });
  const [row] = await session.query('SELECT pg_backend_pid(), inet_client_port()', [], { timeoutMs: ASK_LIMIT_MS });
  const [pid, port] = row ?? [];
  const line = await container.commandLineOf(Number(pid));
  if (line.includes('postgres') && line.includes(port === null ? '[local]' : `(${port})`)) return;
  throw new EnvironmentError(
    `${node.name}: the server that its connection string leads to does not run in the container ${container.containerName}`,
    {
      code: 'other-server',
      hint: 'give the node the container of its own server; where update_process_title is off, or the image has no shell, pgquake cannot tell, and breaks nothing',
    },
  );
}

async function routeOf(route: Inventory['routes'][number]): Promise<readonly [string, Route]> {
  const { name, access, connection } = route;
  const address = await addressOf(connection, route);
  return [name, { name, access, addresses: async () => [address] }];
}

/** Containers as the nodes of one cluster: which they are, and waiting until all of them accept SQL. */

import { networkInterfaces } from 'node:os';
import { untilAcceptsSql } from '../../cluster/health.ts';
import type { Nodes } from '../../cluster/platform.ts';
import { EnvironmentError, InputError } from '../../model/errors.ts';
import { COORDINATOR, type NodeName } from '../../model/topology.ts';
import { DockerClient } from './client.ts';
import { PROJECT_LABEL } from './compose.ts';
import { readLog } from './logs.ts';
import { DockerNode } from './node.ts';
import { composeContainers, projectContainers } from './project.ts';

/** From the container's start to SQL; a first start prepares the data folder. */
const READY_LIMIT_MS = 120_000;
const WATCH_SPACING_MS = 500;
/** How much of a server's log tells why it ended. */
const LAST_WORDS = 5;

/** A cluster that stands already: by its project's label, or each node's container by name or id. */
export type AttachTarget = { readonly project: string } | { readonly containers: Readonly<Record<NodeName, string>> };

/**
 * Takes hold of a cluster that stands already. Disposing of it removes nothing.
 * @throws InputError when the named containers are no cluster; EnvironmentError when there is no such
 * project or container, or one cannot be reached.
 */
export async function attach(target: AttachTarget): Promise<Nodes> {
  const client = DockerClient.fromEnvironment();
  const containers =
    'project' in target ? await byLabel(client, target.project) : await byName(client, target.containers);
  return nodesOf(client, containers, async () => undefined);
}

export type NodeContainers = ReadonlyMap<NodeName, string>;

/**
 * The containers of a project, by the node that their label says.
 * @throws EnvironmentError where they are no cluster; containers without the label are named.
 */
export async function byLabel(client: DockerClient, project: string): Promise<NodeContainers> {
  const containers = new Map<NodeName, string>();
  for (const { id, name, node } of await projectContainers(client, project)) {
    if (node === undefined) continue;
    if (containers.has(node)) {
      throw new EnvironmentError(`two containers say that they are ${node} of ${project}; one is ${name}`, {
        code: 'ambiguous-node',
      });
    }
    containers.set(node, id);
  }
  const isWhole = containers.has(COORDINATOR) || [...containers.keys()].every((name) => !/^worker\d+$/.test(name));
  if (!isWhole || containers.size < 2) throw await noSuchProject(client, project, containers);
  return containers;
}

/** Says what was found instead, by name: half a cluster, or containers that are not marked as targets. */
async function noSuchProject(client: DockerClient, project: string, found: NodeContainers): Promise<EnvironmentError> {
  const unmarked = (await composeContainers(client, project)).filter(({ id }) => ![...found.values()].includes(id));
  const instead = [
    ...[...found.keys()].map((node) => `the node ${node}`),
    ...unmarked.map(({ name }) => `${name}, which lacks the label and is not touched`),
  ];
  return new EnvironmentError(
    `no cluster with the label ${PROJECT_LABEL}=${project}; found ${instead.join('; ') || 'no container of that project'}`,
    {
      code: 'no-such-project',
      hint: '"pgquake up" makes one; a cluster has a coordinator and at least one worker, each marked as in docker-compose.yml',
    },
  );
}

async function byName(client: DockerClient, named: Readonly<Record<NodeName, string>>): Promise<NodeContainers> {
  const workers = Object.keys(named).filter((node) => /^worker[1-9]\d*$/.test(node));
  if (!named[COORDINATOR] || workers.length === 0 || workers.length + 1 !== Object.keys(named).length) {
    throw new InputError(`attach: expected coordinator, worker1, worker2 ..., found ${Object.keys(named).join(', ')}`, {
      code: 'attach-nodes',
    });
  }
  const entries = await Promise.all(
    Object.entries(named).map(async ([node, container]) => {
      const { Id } = await client.call(`look at container ${container} for ${node}`, (engine, abortSignal) =>
        engine.getContainer(container).inspect({ abortSignal }),
      );
      return [node, Id] as const;
    }),
  );
  return new Map(entries);
}

/** @param dispose what disposing of the nodes does. */
export async function nodesOf(
  client: DockerClient,
  containers: NodeContainers,
  dispose: () => Promise<unknown>,
): Promise<Nodes> {
  const localAddresses = await addressesBesideContainers(client);
  const all = await Promise.all(
    [...containers].map(([name, containerId]) => DockerNode.of({ client, name, containerId, localAddresses })),
  );
  const workers = all
    .filter((node) => node.role !== 'coordinator')
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  const coordinator = all.find((node) => node.role === 'coordinator');
  return {
    get coordinator() {
      if (!coordinator) throw new Error('a cluster of members has no coordinator');
      return coordinator;
    },
    workers,
    all: coordinator ? [coordinator, ...workers] : workers,
    dispose: async () => {
      await dispose();
    },
  };
}

/** This machine's addresses; none where the engine's containers are in a virtual machine of Docker Desktop. */
async function addressesBesideContainers(client: DockerClient): Promise<string[]> {
  const { OperatingSystem } = await client.call('ask what system it runs on', (engine) => engine.info());
  if (String(OperatingSystem).includes('Docker Desktop')) return [];
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
}

/**
 * Waits until every node accepts SQL.
 * @throws EnvironmentError as soon as a container has ended, with what its server said last.
 */
export async function untilReady(
  client: DockerClient,
  nodes: readonly DockerNode[],
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  const stop = AbortSignal.any([signal, enough.signal]);
  const watch = async (node: DockerNode) => {
    // The two by themselves: Node may forget to tell a combined signal that nobody listens to any more.
    while (!signal.aborted && !enough.signal.aborted) {
      if ((await node.state()) === 'stopped') {
        const words = (await readLog(client, node.containerId, LAST_WORDS)).trim().replace(/\r?\n/g, ' | ');
        throw new EnvironmentError(`${node.name}: ${await node.describeState()} while it was to start: ${words}`, {
          code: 'node-ended',
        });
      }
      await new Promise((resolve) => setTimeout(resolve, WATCH_SPACING_MS));
    }
  };
  const ready = Promise.all(nodes.map((node) => untilAcceptsSql(node, READY_LIMIT_MS, stop)));
  try {
    await Promise.race([ready, Promise.all(nodes.map(watch)).then(() => ready)]);
  } finally {
    enough.abort(new Error('no need to wait any longer'));
    await ready.catch(() => undefined);
  }
}

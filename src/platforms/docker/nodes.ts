/** Finds the containers of a cluster, and waits until all of them serve. */

import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilServes } from '../../cluster/health.ts';
import type { Nodes } from '../../cluster/platform.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { DockerClient } from './client.ts';
import { PROJECT_LABEL } from './compose.ts';
import { withoutPassword } from './container-login.ts';
import { readLog } from './logs.ts';
import { DockerNode } from './node.ts';
import { composeContainers, projectContainers } from './project.ts';

/** From the container's start to SQL; a first start prepares the data folder. */
const READY_LIMIT_MS = 120_000;
const WATCH_SPACING_MS = 500;
/** Lines of a server's log that show why it ended. */
const LAST_WORDS = 5;

/** An existing cluster: by its project's label, or each node's container by name or id. */
export type AttachTarget =
  | {
      readonly project: string;
      /** Whether nodes of these names can be a cluster; by default any can. */
      readonly isWhole?: ((names: readonly NodeName[]) => boolean) | undefined;
    }
  | { readonly containers: Readonly<Record<NodeName, string>> };

/**
 * Attaches to an existing cluster. Disposing of it removes nothing.
 * @throws EnvironmentError when there is no such project or container, or a node cannot be reached.
 */
export async function attach(target: AttachTarget): Promise<Nodes> {
  const client = DockerClient.fromEnvironment();
  const containers =
    'project' in target
      ? await byLabel(client, target.project, target.isWhole)
      : await byName(client, target.containers);
  return nodesOf(client, containers, async () => undefined);
}

export type NodeContainers = ReadonlyMap<NodeName, string>;

/**
 * The containers of a project, by the node in their label.
 * @throws EnvironmentError when they are not a whole cluster; it names containers without the label.
 */
export async function byLabel(
  client: DockerClient,
  project: string,
  isWhole: (names: readonly NodeName[]) => boolean = () => true,
): Promise<NodeContainers> {
  const containers = new Map<NodeName, string>();
  for (const { id, name, node } of await projectContainers(client, project)) {
    if (node === undefined) continue;
    if (containers.has(node)) {
      throw new EnvironmentError(`two containers are labelled as ${node} of ${project}; one is ${name}`, {
        code: 'ambiguous-node',
      });
    }
    containers.set(node, id);
  }
  if (containers.size < 2 || !isWhole([...containers.keys()])) throw await noSuchProject(client, project, containers);
  return containers;
}

/** Names what was found instead: part of a cluster, or containers without the label. */
async function noSuchProject(client: DockerClient, project: string, found: NodeContainers): Promise<EnvironmentError> {
  const unmarked = (await composeContainers(client, project)).filter(({ id }) => ![...found.values()].includes(id));
  const instead = [
    ...[...found.keys()].map((node) => `the node ${node}`),
    ...unmarked.map(({ name }) => `${name}, which lacks the label and is not touched`),
  ];
  return new EnvironmentError(
    `there is no cluster ${project} in Docker; found ${instead.join('; ') || `no container with the label ${PROJECT_LABEL}=${project}`}`,
    {
      code: 'no-such-project',
      hint: '"pgquake up" starts one; your own cluster needs the labels in docker-compose.yml',
    },
  );
}

async function byName(client: DockerClient, named: Readonly<Record<NodeName, string>>): Promise<NodeContainers> {
  const entries = await Promise.all(
    Object.entries(named).map(async ([node, container]) => {
      const { Id } = await client.inspect(`look at container ${container} for ${node}`, container);
      return [node, Id] as const;
    }),
  );
  return new Map(entries);
}

/** @param dispose called when the nodes are disposed of. */
export async function nodesOf(
  client: DockerClient,
  containers: NodeContainers,
  dispose: () => Promise<unknown>,
): Promise<Nodes> {
  const localAddresses = await addressesBesideContainers(client);
  const all = await Promise.all(
    [...containers].map(([name, containerId]) => DockerNode.of({ client, name, containerId, localAddresses })),
  );
  all.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  const beside = all.filter(({ health }) => health);
  return {
    all: all.filter(({ health }) => !health),
    ...(beside.length === 0 ? {} : { beside }),
    dispose: async () => {
      await dispose();
    },
  };
}

/** This machine's addresses; none if the containers are in a virtual machine of Docker Desktop. */
async function addressesBesideContainers(client: DockerClient): Promise<string[]> {
  const { OperatingSystem } = await client.call('ask what system it runs on', (engine) => engine.info());
  if (String(OperatingSystem).includes('Docker Desktop')) return [];
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
}

/**
 * Waits until every node serves.
 * @param readyLimitMs two minutes by default.
 * @throws EnvironmentError with the end of its log when a container ends or does not serve in time.
 */
export async function untilReady(
  client: DockerClient,
  nodes: readonly DockerNode[],
  signal: AbortSignal,
  readyLimitMs = READY_LIMIT_MS,
): Promise<void> {
  const enough = new AbortController();
  const stop = AbortSignal.any([signal, enough.signal]);
  const watch = async (node: DockerNode) => {
    // Not the combined signal: Node may collect it once it has no listener, and never abort it.
    while (!signal.aborted && !enough.signal.aborted) {
      if ((await node.state()) === 'stopped') {
        const words = await lastWords(client, node);
        throw new EnvironmentError(`${node.name}: ${await node.describeState()} during the start: ${words}`, {
          code: 'node-ended',
        });
      }
      await sleep(WATCH_SPACING_MS);
    }
  };
  const serves = async (node: DockerNode) => {
    try {
      await untilServes(node, readyLimitMs, stop);
    } catch (error) {
      // The log says nothing about a wrong password or the failure of another node.
      if (stop.aborted || (error as { code?: unknown }).code !== 'node-not-ready') throw error;
      throw new EnvironmentError(
        `${errorText(error)} ${readyLimitMs / 1_000} s after its start; its log ends with: ${await lastWords(client, node)}`,
        { code: 'node-not-ready', cause: error },
      );
    }
  };
  const ready = Promise.all(nodes.map(serves));
  try {
    await Promise.race([ready, Promise.all(nodes.map(watch)).then(() => ready)]);
  } finally {
    enough.abort(new Error('the wait is over'));
    await ready.catch(() => undefined);
  }
}

/** The end of its log, on one line. */
async function lastWords(client: DockerClient, node: DockerNode): Promise<string> {
  const { password } = node.address();
  const words = (await readLog(client, node.containerId, LAST_WORDS)).trim().replace(/\r?\n/g, ' | ');
  return withoutPassword(words, password);
}

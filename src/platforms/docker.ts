/**
 * Platform `docker`: nodes are containers, made with Docker Compose, broken and healed through the
 * engine's API. Every cluster that a run makes is a Compose project of its own; what does not carry that
 * project's label is never touched, unless it was named one by one for `attach`.
 */

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { untilAcceptsSql } from '../cluster/health.ts';
import { CLUSTER_FILE, type Nodes, type Platform, type ProvisionOptions } from '../cluster/platform.ts';
import { EnvironmentError, errorText, InputError } from '../model/errors.ts';
import { COORDINATOR, type NodeName, nodeNames } from '../model/topology.ts';
import { readClusterFile, removeClusterFile, writeClusterFile } from './cluster-file.ts';
import { DockerClient } from './docker/client.ts';
import { containerName, PROJECT_LABEL, renderCompose } from './docker/compose.ts';
import { composeMissing, findCompose, runCompose } from './docker/compose-command.ts';
import { imageOffers } from './docker/extension.ts';
import { cannotBePulled, isPresent, pull, wantedImage } from './docker/image.ts';
import { keepLogs, readLog } from './docker/logs.ts';
import { DockerNode, passwordIn } from './docker/node.ts';
import { makeLoginCheap } from './docker/password.ts';
import { composeContainers, projectContainers, removeProject } from './docker/project.ts';
import { ownerSchema, runningOwner, thisProcess } from './owner.ts';

/** For the engine, and then for the registry; together below two seconds. */
const LOOK_LIMIT_MS = 900;
const UP_LIMIT_MS = 180_000;
/** From the container's start to SQL; a first start prepares the data folder. */
const READY_LIMIT_MS = 120_000;
const WATCH_SPACING_MS = 500;
/** How much of a server's log tells why it ended. */
const LAST_WORDS = 5;

/** Of every server of a run's cluster; what the engine needs comes on top. */
const SETTINGS = {
  max_connections: '200',
  // Small, because there are many servers and little data.
  shared_buffers: '32MB',
  jit: 'off',
  // What a killed container had written lies in the operating system's memory and is not lost; only a crash
  // of the machine could lose it, and these data are thrown away anyway.
  fsync: 'off',
  full_page_writes: 'off',
  max_wal_size: '256MB',
  // Backends whose client went away end, also when they wait for a frozen worker.
  client_connection_check_interval: '500ms',
  log_line_prefix: '%m [%p] %b %a ',
};

const FOR_A_RUN = {
  // pgquake looks after the nodes itself; health checks would take processor time from the measurement.
  healthChecks: false,
  initdbArguments: '--no-sync',
};

export const docker: Platform = {
  name: 'docker',
  summary: 'Nodes are containers, made with Docker Compose.',
  capabilities: new Set(['node-stop', 'node-kill', 'node-pause']),

  async unavailable() {
    try {
      const client = DockerClient.fromEnvironment();
      const [compose, missing] = await Promise.all([findCompose(), imageMissing(client)]);
      return missing ?? (compose ? undefined : errorText(composeMissing()));
    } catch (error) {
      return errorText(error);
    }
  },

  async offers(extension, onProgress) {
    const client = DockerClient.fromEnvironment();
    const image = wantedImage();
    if (!(await isPresent(client, image))) await pull(client, image, new AbortController().signal, onProgress);
    return imageOffers(client, image, extension);
  },

  async provision(options) {
    const client = DockerClient.fromEnvironment();
    const compose = await findCompose();
    if (!compose) throw composeMissing();
    const { topology, settings, runFolder, signal, onProgress = () => undefined } = options;
    const image = wantedImage();
    if (!(await isPresent(client, image))) await pull(client, image, signal, onProgress);
    signal.throwIfAborted();

    const project = `pgquake-${randomBytes(4).toString('hex')}`;
    const password = randomBytes(24).toString('base64url');
    const file = join(runFolder, 'docker-compose.yml');
    await writeFile(file, renderCompose(topology, { ...FOR_A_RUN, project, settings: { ...SETTINGS, ...settings } }));
    await recordCluster(options, client, project);
    const dispose = disposer(client, { project, runFolder, password });
    try {
      await runCompose(compose, ['up', '--detach'], {
        project,
        file,
        environment: { POSTGRES_PASSWORD: password, PGQUAKE_IMAGE: image },
        endpoint: client.endpoint,
        limitMs: UP_LIMIT_MS,
        signal,
      });
      const nodes = await nodesOf(client, await byLabel(client, project), dispose);
      await untilReady(client, nodes.all as readonly DockerNode[], signal);
      await Promise.all(nodes.all.map(makeLoginCheap));
      signal.throwIfAborted();
      return nodes;
    } catch (error) {
      // What went wrong first is what the caller must hear of.
      await dispose().catch(() => undefined);
      throw error;
    }
  },

  async reclaim(runFolder) {
    const remains = await readClusterFile(runFolder, remainsSchema);
    if (remains === undefined) return { removed: [] };
    const inUseBy = await runningOwner(remains.owner);
    if (inUseBy !== undefined) return { inUseBy, removed: [] };
    const client = DockerClient.fromEnvironment();
    // Another engine has no such project, and would say that nothing is left.
    if (client.endpoint.host !== remains.engine) {
      throw new EnvironmentError(`the cluster ${remains.project} was made on the Docker engine at ${remains.engine}`, {
        code: 'other-engine',
        hint: `${client.endpoint.source} leads to ${client.endpoint.host}; set DOCKER_HOST=${remains.engine}`,
      });
    }
    const [container] = await projectContainers(client, remains.project);
    const password = container ? await passwordIn(client, container.id) : '';
    return { removed: await disposer(client, { project: remains.project, runFolder, password })() };
  },
};

async function imageMissing(client: DockerClient): Promise<string | undefined> {
  const image = wantedImage();
  if (await isPresent(client, image, LOOK_LIMIT_MS)) return undefined;
  const reason = await cannotBePulled(client, image, LOOK_LIMIT_MS);
  return reason === undefined ? undefined : `the image ${image} is not here and cannot be pulled: ${reason}`;
}

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

/**
 * Takes hold of the cluster of a run that ended without disposing of it, as its `cluster.json` names it.
 * Disposing of it removes it.
 * @throws EnvironmentError when nothing of it is left.
 */
export async function reclaim(project: string, runFolder: string): Promise<Nodes> {
  const client = DockerClient.fromEnvironment();
  const containers = await byLabel(client, project);
  const nodes = await nodesOf(client, containers, async () => undefined);
  const { password } = nodes.coordinator.address();
  const dispose = disposer(client, { project, runFolder, password });
  return {
    ...nodes,
    dispose: async () => {
      await dispose();
    },
  };
}

type NodeContainers = ReadonlyMap<NodeName, string>;

async function byLabel(client: DockerClient, project: string): Promise<NodeContainers> {
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
  if (!containers.has(COORDINATOR) || containers.size < 2) throw await noSuchProject(client, project, containers);
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
      hint: 'a cluster has a coordinator and at least one worker, each marked as in docker-compose.yml, or named one by one',
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

async function nodesOf(
  client: DockerClient,
  containers: NodeContainers,
  dispose: () => Promise<unknown>,
): Promise<Nodes> {
  const localAddresses = await addressesBesideContainers(client);
  const all = await Promise.all(
    [...containers].map(([name, containerId]) => DockerNode.of({ client, name, containerId, localAddresses })),
  );
  const workers = all
    .filter((node) => node.role === 'worker')
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  const coordinator = all.find((node) => node.role === 'coordinator') as DockerNode;
  return {
    coordinator,
    workers,
    all: [coordinator, ...workers],
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
async function untilReady(client: DockerClient, nodes: readonly DockerNode[], signal: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const stop = AbortSignal.any([signal, enough.signal]);
  const watch = async (node: DockerNode) => {
    while (!stop.aborted) {
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

/** What `cluster.json` holds for removing the cluster: on disk before the first container is made. */
const remainsSchema = z.object({
  platform: z.literal('docker'),
  owner: ownerSchema,
  project: z.string().regex(/^pgquake-[0-9a-f]{8}$/, 'expected a project that pgquake made'),
  /** Where the engine is, as in `DOCKER_HOST`. */
  engine: z.string(),
});

async function recordCluster({ topology, runFolder }: ProvisionOptions, client: DockerClient, project: string) {
  const nodes = nodeNames(topology).map((name) => ({ name, container: containerName(project, name) }));
  const owner = await thisProcess();
  await writeClusterFile(runFolder, { platform: 'docker', owner, project, engine: client.endpoint.host, nodes });
}

/** @returns a function that keeps the nodes' logs, removes the project and says what it removed; harmless twice. */
function disposer(
  client: DockerClient,
  run: { readonly project: string; readonly runFolder: string; readonly password: string },
): () => Promise<string[]> {
  return async () => {
    try {
      await keepLogs(client, run);
      const removed = await removeProject(client, run.project);
      await removeClusterFile(run.runFolder);
      return removed;
    } catch (error) {
      throw new EnvironmentError(`the cluster ${run.project} could not be removed: ${errorText(error)}`, {
        code: 'left-behind',
        hint: `its name stays in ${join(run.runFolder, CLUSTER_FILE)}; docs/docker.md says how to remove it by hand`,
        cause: error,
      });
    }
  };
}

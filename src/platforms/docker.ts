/**
 * Platform `docker`: nodes are containers, made with Docker Compose, broken and healed through the engine's API. Every
 * run makes a Compose project. pgquake touches only what has that project's label, and containers that `attach` names.
 */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { CLUSTER_FILE, everyNode, type Nodes, type Platform, type ProvisionOptions } from '../cluster/platform.ts';
import type { NodePrograms } from '../cluster/program.ts';
import { filesIn } from '../disk/files-in.ts';
import { asEnvironmentError, EnvironmentError, errorText } from '../model/errors.ts';
import { documentation } from '../model/package-files.ts';
import { formatBytes, formatCount } from '../model/units.ts';
import { forgetCluster, readClusterFile, removeClusterFile, writeClusterFile } from './cluster-file.ts';
import { lackingHere } from './docker/abilities.ts';
import { DockerClient } from './docker/client.ts';
import { containerName, renderCompose, SIZED_DATA_BYTES } from './docker/compose.ts';
import { composeMissing, findCompose, runCompose } from './docker/compose-command.ts';
import { IN_CONTAINERS, renderPrograms } from './docker/compose-programs.ts';
import { passwordIn } from './docker/container-login.ts';
import { imageOffers } from './docker/extension.ts';
import { cannotBePulled, helperImage, imageNotToBeHad, isPresent, pull, wantedImage } from './docker/image.ts';
import { keepLogs } from './docker/logs.ts';
import { DockerNode } from './docker/node.ts';
import { byLabel, nodesOf, untilReady } from './docker/nodes.ts';
import { ownImage } from './docker/own-image.ts';
import { makeLoginCheap } from './docker/password.ts';
import { projectContainers, removeProject } from './docker/project.ts';
import { attachedSchema, standing } from './docker/standing.ts';
import { own, ownerSchema, runningOwner } from './owner.ts';

/** For the engine, and again for the registry: less than two seconds together. */
const LOOK_LIMIT_MS = 900;
const UP_LIMIT_MS = 180_000;

/** For every server of a run's cluster; the engine adds its own. */
const SETTINGS = {
  // Resolving the name of a stopped container takes a second, during which a statement holds its connection.
  max_connections: '600',
  // Many servers, little data.
  shared_buffers: '32MB',
  jit: 'off',
  // What a killed container wrote is safe in the page cache; if the machine crashes, this data is worthless.
  fsync: 'off',
  full_page_writes: 'off',
  max_wal_size: '256MB',
  // Backends whose client disconnected end, even while they wait for a frozen worker.
  client_connection_check_interval: '500ms',
  log_line_prefix: '%m [%p] %b %a ',
};

const FOR_A_RUN = {
  // pgquake watches the nodes itself; health checks would take processor time from the measurement.
  healthChecks: false,
  initdbArguments: '--no-sync',
};

export const docker: Platform = {
  name: 'docker',
  summary: 'containers, made with Docker Compose',
  capabilities: new Set([
    'node-stop',
    'node-kill',
    'node-pause',
    'backend-kill',
    'network-disconnect',
    'network-rules',
    'network-bandwidth',
    'network-latency',
    'resource-limits',
    'disk-full',
    'data-copy',
    'node-programs',
    'node-parts',
  ]),
  bringsPrograms: true,
  standing,

  async about(nodes) {
    const client = DockerClient.fromEnvironment();
    const engine = await client.version();
    const images = new Set(await Promise.all(nodes.map((node) => (node instanceof DockerNode ? node.image() : ''))));
    return [
      { name: 'Docker', value: `${engine.Version}, ${engine.Os}/${engine.Arch}, kernel ${engine.KernelVersion}` },
      { name: 'image', value: [...images].filter((image) => image !== '').join(', ') },
    ];
  },

  async unavailable(needs = []) {
    try {
      const client = DockerClient.fromEnvironment();
      // The image for an engine's own programs is built, not pulled.
      const ownPrograms = needs.includes('node-programs');
      const [compose, missing] = await Promise.all([
        findCompose(),
        ownPrograms ? client.version().then(() => undefined) : imageMissing(client),
      ]);
      return compose ? missing : composeMissing();
    } catch (error) {
      return asEnvironmentError(error, 'platform-unusable');
    }
  },

  async lacking(capability) {
    const client = DockerClient.fromEnvironment();
    const image = helperImage() ?? wantedImage();
    // An image that is not pulled yet cannot be tried; the fault itself reports if it does not work.
    return (await isPresent(client, image)) ? lackingHere(client, image, capability) : undefined;
  },

  async offers(extension, onProgress) {
    const client = DockerClient.fromEnvironment();
    const image = await serverImage(client, new AbortController().signal, onProgress);
    return imageOffers(client, image, extension);
  },

  async provision(options) {
    const client = DockerClient.fromEnvironment();
    const compose = await findCompose();
    if (!compose) throw composeMissing();
    const { runFolder, signal, sizedData = [], needs, programs, onProgress = () => undefined } = options;
    await refuseWithoutMemory(client, sizedData.length);
    // What fails before the cluster is recorded has made nothing that later runs would have to remove.
    await client.version();
    const plain = programs ? '' : await serverImage(client, signal, onProgress);
    const project = `pgquake-${randomBytes(4).toString('hex')}`;
    const password = randomBytes(24).toString('base64url');
    const file = join(runFolder, 'docker-compose.yml');
    filesIn(file).replace(file, composeText(options, project));
    await recordCluster(options, client, project);
    const dispose = disposer(client, { project, runFolder, password, say: onProgress });
    try {
      const image = programs ? await programsImage(client, programs, project, options) : plain;
      signal.throwIfAborted();
      await runCompose(compose, ['up', '--detach'], {
        project,
        file,
        environment: { POSTGRES_PASSWORD: password, PGQUAKE_IMAGE: image },
        endpoint: client.endpoint,
        limitMs: UP_LIMIT_MS,
        signal,
      });
      const nodes = await nodesOf(client, await byLabel(client, project), dispose);
      await untilReady(client, everyNode(nodes) as readonly DockerNode[], signal);
      await Promise.all(nodes.all.map(makeLoginCheap));
      if (needs?.has('data-copy'))
        await Promise.all((nodes.all as DockerNode[]).map((node) => node.allowReplication()));
      signal.throwIfAborted();
      return nodes;
    } catch (error) {
      // The caller must see the first error.
      await dispose().catch(() => undefined);
      throw error;
    }
  },

  async reclaim(runFolder, { force = false } = {}) {
    const remains = await readClusterFile(runFolder, z.union([remainsSchema, attachedSchema]));
    if (remains === undefined) return { removed: [] };
    const inUseBy = await runningOwner(remains.owner, runFolder, { serversAreProcesses: false, force });
    if (inUseBy !== undefined) return { inUseBy, removed: [] };
    const client = DockerClient.fromEnvironment();
    const project = 'project' in remains ? remains.project : remains.attached;
    // Another engine has no such project, and would report that nothing is left.
    if (client.endpoint.host !== remains.engine) {
      throw new EnvironmentError(`the cluster ${project} is on the Docker engine at ${remains.engine}`, {
        code: 'other-engine',
        hint: `${client.endpoint.source} leads to ${client.endpoint.host}; set DOCKER_HOST=${remains.engine}`,
      });
    }
    if ('attached' in remains) {
      const nodes = await nodesOf(client, await byLabel(client, project), () => removeClusterFile(runFolder));
      return { removed: [], standing: nodes };
    }
    const container = (await projectContainers(client, project)).find(({ node }) => node !== undefined);
    const password = container ? await passwordIn(client, container.id) : '';
    return { removed: await disposer(client, { project, runFolder, password })() };
  },
};

/** The image of plain servers, present when this returns. */
async function serverImage(client: DockerClient, signal: AbortSignal, progress: (line: string) => void) {
  const image = wantedImage();
  if (!(await isPresent(client, image))) await pull(client, image, signal, progress);
  return image;
}

/** The image with the engine's programs, present when this returns. The helper that checks it belongs to the project. */
function programsImage(
  client: DockerClient,
  { image, requires }: NodePrograms,
  project: string,
  { signal, onProgress: progress = () => undefined }: ProvisionOptions,
) {
  return ownImage(client, image, { programs: Object.keys(requires), project, signal, progress });
}

function composeText({ nodes, settings, sizedData = [], programs }: ProvisionOptions, project: string): string {
  if (programs) return renderPrograms(programs.at(IN_CONTAINERS), project, sizedData);
  return renderCompose(nodes, { ...FOR_A_RUN, project, settings: { ...SETTINGS, ...settings }, sizedData });
}

/** Data volumes of a fixed size are in memory, which must not run out. */
async function refuseWithoutMemory(client: DockerClient, nodes: number): Promise<void> {
  if (nodes === 0) return;
  const { MemTotal } = await client.call('ask how much memory there is', (engine) => engine.info());
  const wanted = nodes * SIZED_DATA_BYTES;
  if (wanted <= Number(MemTotal) / 2) return;
  throw new EnvironmentError(
    `the data volumes of ${formatCount(nodes, 'node')} to be filled take ${formatBytes(wanted)} of memory, more than half of the machine's`,
    { code: 'memory-short', hint: 'fill the disks of fewer nodes' },
  );
}

async function imageMissing(client: DockerClient): Promise<EnvironmentError | undefined> {
  const image = wantedImage();
  if (await isPresent(client, image, LOOK_LIMIT_MS)) return undefined;
  const reason = await cannotBePulled(client, image, LOOK_LIMIT_MS);
  return reason === undefined ? undefined : imageNotToBeHad(image, reason);
}

/**
 * Finds the cluster that a run left behind, by the project in its `cluster.json`. Disposing of it removes it.
 * @throws EnvironmentError when nothing of it is left.
 */
export async function reclaim(project: string, runFolder: string): Promise<Nodes> {
  const client = DockerClient.fromEnvironment();
  const containers = await byLabel(client, project);
  let dispose: () => Promise<unknown> = async () => undefined;
  const nodes = await nodesOf(client, containers, () => dispose());
  const password = nodes.all[0]?.address().password ?? '';
  dispose = disposer(client, { project, runFolder, password });
  return nodes;
}

/** `cluster.json`: all that removes the cluster, on disk before the first container is made. */
const remainsSchema = z.object({
  platform: z.literal('docker'),
  owner: ownerSchema,
  project: z.string().regex(/^pgquake-[0-9a-f]{8}$/, 'expected a project that pgquake made'),
  /** The engine's address, as in `DOCKER_HOST`. */
  engine: z.string(),
});

async function recordCluster({ nodes: specs, runFolder }: ProvisionOptions, client: DockerClient, project: string) {
  const nodes = specs.map(({ name }) => ({ name, container: containerName(project, name) }));
  const owner = await own(runFolder);
  await writeClusterFile(runFolder, { platform: 'docker', owner, project, engine: client.endpoint.host, nodes });
}

/** @returns a function that saves the nodes' logs, removes the project and returns what it removed; harmless twice. */
function disposer(
  client: DockerClient,
  run: {
    readonly project: string;
    readonly runFolder: string;
    readonly password: string;
    /** Is told of what could not be written. */
    readonly say?: (line: string) => void;
  },
): () => Promise<string[]> {
  const { say = () => undefined } = run;
  return async () => {
    try {
      // A full disk must not keep the cluster from being removed.
      await keepLogs(client, run).catch((error: unknown) => {
        say(`cannot save the logs of the servers: ${errorText(error)}`);
      });
      const removed = await removeProject(client, run.project);
      await forgetCluster(run.runFolder, say);
      return removed;
    } catch (error) {
      throw new EnvironmentError(`the cluster ${run.project} could not be removed: ${errorText(error)}`, {
        code: 'left-behind',
        hint: `its name is in ${join(run.runFolder, CLUSTER_FILE)}; ${documentation('docker.md')} says how to remove it by hand`,
        cause: error,
      });
    }
  };
}

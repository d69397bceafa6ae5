/**
 * Standing clusters in Docker: Compose projects that users start, inspect and stop, and to which runs attach. pgquake touches
 * only what has the project's label, and refuses by name what is in the way without it.
 */

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type {
  AttachOptions,
  Invocation,
  LogOptions,
  Nodes,
  StandingClusters,
  UpOptions,
} from '../../cluster/platform.ts';
import { EnvironmentError, errorText, InputError } from '../../model/errors.ts';
import { MAX_WRITTEN_BYTES, readRegular } from '../../regular-file.ts';
import { removeClusterFile, writeClusterFile } from '../cluster-file.ts';
import { own, ownerSchema } from '../owner.ts';
import { DockerClient, EngineRefusal } from './client.ts';
import { PROJECT_LABEL, renderCompose, STANDING } from './compose.ts';
import { composeMissing, findCompose, runCompose } from './compose-command.ts';
import { actOn, STOP_LIMIT_MS } from './container-acts.ts';
import { passwordIn, withoutPassword } from './container-login.ts';
import { isPresent, pull, wantedImage } from './image.ts';
import { followLog, readLog } from './logs.ts';
import type { DockerNode } from './node.ts';
import { attach, untilReady } from './nodes.ts';
import {
  composeContainers,
  type ProjectContainer,
  projectContainers,
  projectVolumes,
  removeProject,
} from './project.ts';
import { forgetSettings, keepSettings, readSettings } from './settings-file.ts';
import { refuseUnmarked, unmarked } from './unmarked.ts';

const COMPOSE_FILE = 'docker-compose.yml';
const UP_LIMIT_MS = 180_000;

export const standing: StandingClusters = {
  up,
  attach: attachTo,
  down,
  restart,
  shell,
  logs,
};

/** `cluster.json` of a run that attached to a cluster. */
export const attachedSchema = z.object({
  platform: z.literal('docker'),
  owner: ownerSchema,
  attached: z.string(),
  /** The engine's address, as in `DOCKER_HOST`. */
  engine: z.string(),
});

async function attachTo(project: string, { isWhole, runFolder }: AttachOptions = {}): Promise<Nodes> {
  if (runFolder === undefined) return attach({ project, isWhole });
  const engine = DockerClient.fromEnvironment().endpoint.host;
  // Recorded before anything can be broken.
  await writeClusterFile(runFolder, { platform: 'docker', owner: await own(runFolder), attached: project, engine });
  try {
    return { ...(await attach({ project, isWhole })), dispose: () => removeClusterFile(runFolder) };
  } catch (error) {
    await removeClusterFile(runFolder);
    throw error;
  }
}

async function up(options: UpOptions): Promise<Nodes> {
  const { project, nodes, folder, signal, onProgress } = options;
  const client = DockerClient.fromEnvironment();
  const compose = await findCompose();
  if (!compose) throw composeMissing();
  await refuseUnmarked(client, project, nodes);
  const file = await composeFile(options);
  const environment = await environmentOf(client, project, folder);
  const image = environment.PGQUAKE_IMAGE as string;
  if (!(await isPresent(client, image))) await pull(client, image, signal, onProgress);
  await Promise.all((await projectContainers(client, project)).map((container) => unpause(client, container)));
  try {
    const { endpoint } = client;
    await runCompose(compose, ['up', '--detach'], {
      project,
      file,
      environment,
      endpoint,
      limitMs: UP_LIMIT_MS,
      signal,
    });
  } catch (error) {
    throw portTaken(error) ?? error;
  }
  return ready(client, project, signal);
}

async function ready(client: DockerClient, project: string, signal: AbortSignal): Promise<Nodes> {
  const nodes = await attach({ project });
  try {
    await untilReady(client, nodes.all as readonly DockerNode[], signal);
  } catch (error) {
    if (!(error instanceof EnvironmentError) || error.code !== 'wrong-password') throw error;
    throw new EnvironmentError(`the data of ${project} have another password than the one given`, {
      code: 'wrong-password',
      hint: 'set POSTGRES_PASSWORD to the password of the data, or start another cluster with "pgquake up --project <name>"',
      cause: error,
    });
  }
  return nodes;
}

/** The path of the cluster's Compose file; writes it if the folder has none. */
async function composeFile({ project, folder, nodes, settings }: UpOptions): Promise<string> {
  const path = resolve(folder, COMPOSE_FILE);
  const bytes = await readRegular(path, MAX_WRITTEN_BYTES).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new InputError(`${path} cannot be read: ${errorText(error)}`, { code: 'compose-file' });
  });
  const text = bytes?.toString('utf8');
  if (text === undefined) {
    await writeFile(
      path,
      renderCompose(nodes, { ...STANDING, settings: { ...settings, ...STANDING.settings }, project }),
    );
  } else if (!text.split('\n').some((line) => line.trim() === `${PROJECT_LABEL}: ${project}`)) {
    throw new InputError(`${path} does not describe the cluster ${project}: it has no ${PROJECT_LABEL}: ${project}`, {
      code: 'compose-file',
      hint: 'name another folder with --folder, or the project of this file with --project',
    });
  }
  return path;
}

/**
 * Image, password and port: from the environment, else as the cluster was made with. Generates and stores a password if
 * there is none.
 */
async function environmentOf(client: DockerClient, project: string, folder: string): Promise<Record<string, string>> {
  const kept = await readSettings(folder);
  const given = { PGQUAKE_IMAGE: process.env.PGQUAKE_IMAGE, PGQUAKE_PORT: process.env.PGQUAKE_PORT };
  const keep: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) if (value && kept[name] !== value) keep[name] = value;
  const [container] = await projectContainers(client, project);
  const known =
    process.env.POSTGRES_PASSWORD || (container && (await passwordIn(client, container.id))) || kept.POSTGRES_PASSWORD;
  if (!known) {
    const volumes = await projectVolumes(client, project);
    if (volumes.length > 0) {
      throw new EnvironmentError(`${project} has data (${volumes.join(', ')}), but its password is unknown`, {
        code: 'password-unknown',
        hint: 'set POSTGRES_PASSWORD to it, or start another cluster with "pgquake up --project <name>"',
      });
    }
    keep.POSTGRES_PASSWORD = randomBytes(24).toString('base64url');
  }
  if (Object.keys(keep).length > 0) await keepSettings(folder, keep);
  const port = keep.PGQUAKE_PORT ?? kept.PGQUAKE_PORT;
  return {
    POSTGRES_PASSWORD: known || (keep.POSTGRES_PASSWORD as string),
    PGQUAKE_IMAGE: keep.PGQUAKE_IMAGE ?? kept.PGQUAKE_IMAGE ?? wantedImage(),
    ...(port === undefined ? {} : { PGQUAKE_PORT: port }),
  };
}

function portTaken(error: unknown): EnvironmentError | undefined {
  if (!/port is already allocated|address already in use/.test(errorText(error))) return undefined;
  return new EnvironmentError(`the port for clients on 127.0.0.1 is taken: ${errorText(error)}`, {
    code: 'port-taken',
    hint: `set PGQUAKE_PORT to a free port; the default is ${STANDING.entryPort}`,
    cause: error,
  });
}

async function down({ project, folder, volumes }: Parameters<StandingClusters['down']>[0]): Promise<string[]> {
  const client = DockerClient.fromEnvironment();
  const containers = await projectContainers(client, project);
  const strange = (await composeContainers(client, project)).filter(({ id }) =>
    containers.every((own) => own.id !== id),
  );
  if (containers.length === 0 && strange.length > 0) {
    throw unmarked(
      project,
      strange.map(({ name }) => `container ${name}`),
    );
  }
  await Promise.all(containers.map((container) => stop(client, container)));
  const removed = await removeProject(client, project, { keepVolumes: !volumes });
  if (volumes && (await forgetSettings(folder))) removed.push(`settings in ${join(folder, '.env')}`);
  return removed;
}

/** Cleanly, so that the servers need no crash recovery when they start again. */
async function stop(client: DockerClient, container: ProjectContainer): Promise<void> {
  await unpause(client, container);
  await unlessRefused(actOn(client, container, 'stop', { limitMs: STOP_LIMIT_MS }));
}

function unpause(client: DockerClient, container: ProjectContainer): Promise<void> {
  return unlessRefused(actOn(client, container, 'unpause'));
}

/** The engine refuses an act if the container is already in that state. */
async function unlessRefused(act: Promise<unknown>): Promise<void> {
  try {
    await act;
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
  }
}

async function restart({ project, signal }: Parameters<StandingClusters['restart']>[0]): Promise<Nodes> {
  const client = DockerClient.fromEnvironment();
  const nodes = await attach({ project });
  await Promise.all(
    nodes.all.map(async (node) => {
      await node.resume();
      await node.stop();
      signal.throwIfAborted();
      await node.start();
    }),
  );
  return ready(client, project, signal);
}

async function shell(
  project: string,
  { node: name, args, terminal }: Parameters<StandingClusters['shell']>[1],
): Promise<Invocation> {
  const node = ((await attach({ project })).all as readonly DockerNode[]).find((one) => one.name === name);
  const state = (await node?.state()) ?? 'missing';
  if (!node || state !== 'running') {
    throw new EnvironmentError(`the ${name} of ${project} is ${state}`, {
      code: 'node-down',
      hint: 'start it with "pgquake up"',
    });
  }
  const { user, password, database } = node.address();
  return {
    program: 'docker',
    args: [
      'exec',
      '--interactive',
      ...(terminal ? ['--tty'] : []),
      // The value is in the command's environment, which other users cannot read.
      ...['--env', 'PGPASSWORD', '--env', `PGUSER=${user}`, '--env', `PGDATABASE=${database}`],
      node.containerName,
      'psql',
      ...args,
    ],
    environment: { PGPASSWORD: password },
  };
}

async function logs({ project, node, follow, lines, signal, onLine }: LogOptions): Promise<void> {
  const client = DockerClient.fromEnvironment();
  const nodes = (await attach({ project })).all as readonly DockerNode[];
  const wanted = nodes.filter(({ name }) => node === undefined || name === node);
  if (wanted.length === 0) {
    throw new InputError(`${project} has no node ${node}; it has ${nodes.map(({ name }) => name).join(', ')}`, {
      code: 'no-such-node',
    });
  }
  await Promise.all(
    wanted.map(async ({ name, containerId }) => {
      const password = await passwordIn(client, containerId);
      const tell = (line: string) => onLine(name, withoutPassword(line, password));
      if (follow) await followLog(client, containerId, { lines, signal, tell });
      else for (const line of (await readLog(client, containerId, lines)).trimEnd().split('\n')) tell(line);
    }),
  );
}

/** Finds everything with a project's label, and removes it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInfo } from 'dockerode';
import { EnvironmentError } from '../../model/errors.ts';
import { type DockerClient, EngineRefusal } from './client.ts';
import { NODE_LABEL, PROJECT_LABEL } from './compose.ts';

const REMOVE_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 200;
/** Consecutive looks that must find nothing: what an interrupted Compose requested may still appear. */
const EMPTY_LOOKS = 2;

const HELD_NETWORK =
  '"docker network inspect" lists the containers still on a network; if it lists none, the engine has lost count, and a restart of the engine corrects that';

interface RemoveOptions {
  /** Keeps named volumes, and so the data; false by default. */
  readonly keepVolumes?: boolean;
  /** In milliseconds; a minute by default. */
  readonly limitMs?: number;
}

/** Something of the project, and the engine's refusal if it was not removed. */
interface Left {
  readonly thing: string;
  readonly refused: EngineRefusal | undefined;
}

export interface ProjectContainer {
  readonly id: string;
  readonly name: string;
  /** Its label `pgquake.node`, if any. */
  readonly node: string | undefined;
}

/** The containers with the project's label, in any state. */
export function projectContainers(client: DockerClient, project: string): Promise<ProjectContainer[]> {
  return listContainers(client, project, PROJECT_LABEL);
}

/** The containers of the Compose project, with pgquake's label or without. */
export function composeContainers(client: DockerClient, project: string): Promise<ProjectContainer[]> {
  return listContainers(client, project, 'com.docker.compose.project');
}

/** The names of the volumes with the project's label. */
export async function projectVolumes(client: DockerClient, project: string): Promise<string[]> {
  const filters = { label: [`${PROJECT_LABEL}=${project}`] };
  // The type of listVolumes allows only text as filters; the call accepts both.
  const { Volumes } = await client.call(`list the volumes of ${project}`, (docker, abortSignal) =>
    docker.listVolumes({ filters, abortSignal } as object),
  );
  return (Volumes ?? []).map(({ Name }) => Name);
}

async function listContainers(client: DockerClient, project: string, label: string): Promise<ProjectContainer[]> {
  const filters = { label: [`${label}=${project}`] };
  const found = await client.call(`list the containers of ${project}`, (docker, abortSignal) =>
    docker.listContainers({ all: true, filters, abortSignal }),
  );
  return found.map(({ Id, Names, Labels }) => ({
    id: Id,
    name: nameOf({ Id, Names }),
    node: Labels[NODE_LABEL],
  }));
}

/** The engine writes a container's name as `/name`; the id without one. */
export function nameOf({ Id, Names }: Pick<ContainerInfo, 'Id' | 'Names'>): string {
  return (Names[0] ?? Id).replace(/^\//, '');
}

/**
 * Removes the project's containers, networks and volumes in any state. Harmless if there are none.
 * @returns what it found, in words.
 * @throws EnvironmentError with what is left after `limitMs` and why, or when the engine does not answer.
 */
export async function removeProject(
  client: DockerClient,
  project: string,
  { keepVolumes = false, limitMs = REMOVE_LIMIT_MS }: RemoveOptions = {},
): Promise<string[]> {
  const seen = new Set<string>();
  const deadline = performance.now() + limitMs;
  for (let emptyLooks = 0; emptyLooks < EMPTY_LOOKS; ) {
    const left = await removeOnce(client, project, keepVolumes);
    for (const { thing } of left) seen.add(thing);
    emptyLooks = left.length === 0 ? emptyLooks + 1 : 0;
    if (left.length > 0 && performance.now() > deadline) {
      const named = left.map(({ thing, refused }) => (refused ? `${thing} (${refused.reason})` : thing));
      throw new EnvironmentError(`could not remove ${named.join(', ')}`, {
        code: 'left-behind',
        ...(left.some(({ refused }) => refused?.reason.includes('active endpoints')) ? { hint: HELD_NETWORK } : {}),
      });
    }
    if (emptyLooks < EMPTY_LOOKS) await sleep(LOOK_AGAIN_MS);
  }
  return [...seen];
}

/** One round. @returns what it found. */
async function removeOnce(client: DockerClient, project: string, keepVolumes: boolean): Promise<Left[]> {
  const filters = { label: [`${PROJECT_LABEL}=${project}`] };
  const containers = await Promise.all(
    (await projectContainers(client, project)).map(({ id, name }) =>
      attempt(
        `container ${name}`,
        client.call(
          `remove container ${name}`,
          (docker, abortSignal) => docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
          { limitMs: REMOVE_LIMIT_MS },
        ),
      ),
    ),
  );
  const networks = await client.call(`list the networks of ${project}`, (docker, abortSignal) =>
    docker.listNetworks({ filters, abortSignal }),
  );
  const volumes = keepVolumes ? [] : await projectVolumes(client, project);
  const others = await Promise.all([
    ...networks.map(({ Id, Name }) =>
      attempt(
        `network ${Name}`,
        client.call(`remove network ${Name}`, (docker, abortSignal) => docker.getNetwork(Id).remove({ abortSignal })),
      ),
    ),
    ...volumes.map((name) =>
      attempt(
        `volume ${name}`,
        client.call(`remove volume ${name}`, (docker, abortSignal) =>
          docker.getVolume(name).remove({ force: true, abortSignal } as object),
        ),
      ),
    ),
  ]);
  return [...containers, ...others];
}

/** After a refusal (already gone, or still in use) the next round looks again. Other errors end the removal. */
async function attempt(thing: string, removal: Promise<unknown>): Promise<Left> {
  try {
    await removal;
    return { thing, refused: undefined };
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    return { thing, refused: error };
  }
}

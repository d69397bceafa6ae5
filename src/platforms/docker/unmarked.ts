/** Refuses things that have the names of a standing cluster but not its label. */

import { EnvironmentError } from '../../model/errors.ts';
import type { NodeSpec } from '../../model/topology.ts';
import type { DockerClient } from './client.ts';
import { containerName, PROJECT_LABEL } from './compose.ts';
import { composeContainers, nameOf, projectContainers, projectVolumes } from './project.ts';

/**
 * Compose would take over containers and volumes of the same names that it did not make.
 * @throws EnvironmentError naming those without this cluster's label.
 */
export async function refuseUnmarked(client: DockerClient, project: string, nodes: readonly NodeSpec[]): Promise<void> {
  const names = nodes.map(({ name }) => containerName(project, name));
  const marked = new Set((await projectContainers(client, project)).map(({ id }) => id));
  const everything = await client.call('list all containers', (docker, abortSignal) =>
    docker.listContainers({ all: true, abortSignal }),
  );
  const sameName = everything
    .map((one) => ({ id: one.Id, name: nameOf(one) }))
    .filter(({ name }) => names.includes(name));
  const inTheWay = [...sameName, ...(await composeContainers(client, project))].filter(({ id }) => !marked.has(id));
  const ours = await projectVolumes(client, project);
  const volumes = await client.call('list all volumes', (docker, abortSignal) =>
    docker.listVolumes({ abortSignal } as object),
  );
  const strange = (volumes.Volumes ?? [])
    .map(({ Name }) => Name)
    .filter((name) => names.includes(name) && !ours.includes(name));
  if (inTheWay.length + strange.length > 0) {
    throw unmarked(project, [
      ...new Set(inTheWay.map(({ name }) => `container ${name}`)),
      ...strange.map((name) => `volume ${name}`),
    ]);
  }
}

export function unmarked(project: string, things: readonly string[]): EnvironmentError {
  return new EnvironmentError(`not marked as ${PROJECT_LABEL}=${project}, so not touched: ${things.join(', ')}`, {
    code: 'not-a-target',
    hint: 'choose another name with --project, or rename these',
  });
}

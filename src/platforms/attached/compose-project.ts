/** The containers of any Compose project, found by Compose's labels. */

import type { FoundContainer } from '../../cluster/platform.ts';
import { EnvironmentError } from '../../model/errors.ts';
import { suggestion } from '../../model/nearest.ts';
import { DockerClient } from '../docker/client.ts';
import { nameOf } from '../docker/project.ts';
import { type ContainerNetworking, published } from '../docker/reach.ts';

const PROJECT = 'com.docker.compose.project';
const SERVICE = 'com.docker.compose.service';
const NUMBER = 'com.docker.compose.container-number';

/**
 * The running containers of a project, sorted by service, on the engine that the `docker` command would use.
 * @throws EnvironmentError when none is running, with the most similar project name.
 */
export async function containersOfProject(project: string): Promise<readonly FoundContainer[]> {
  const client = DockerClient.fromEnvironment();
  const all = await client.call('list the containers of Compose projects', (docker, abortSignal) =>
    docker.listContainers({ filters: { label: [PROJECT] }, abortSignal }),
  );
  const mine = all.filter(({ Labels }) => Labels[PROJECT] === project);
  if (mine.length === 0) {
    const others = [...new Set(all.flatMap(({ Labels }) => Labels[PROJECT] ?? []))];
    throw new EnvironmentError(
      `no container of a Compose project ${project} is running here; ${suggestion(project, others)}`,
      {
        code: 'no-such-project',
        hint: '"docker compose ls" lists the projects of this engine',
      },
    );
  }
  const found = await Promise.all(
    mine.map(async ({ Id, Names, Labels }) => {
      const seen = await client.inspect(`look at container ${Names[0]}`, Id);
      const { Ports } = seen.NetworkSettings as unknown as ContainerNetworking;
      const variable = (name: string) =>
        seen.Config.Env.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) || undefined;
      const user = variable('POSTGRES_USER');
      return {
        service: Labels[SERVICE] ?? 'unnamed',
        number: Number(Labels[NUMBER] ?? 1),
        container: nameOf({ Id, Names }),
        ports: Object.keys(Ports).flatMap((port) => published(Ports, Number.parseInt(port, 10)) ?? []),
        user,
        database: variable('POSTGRES_DB') ?? user,
      };
    }),
  );
  return found.toSorted((a, b) => a.service.localeCompare(b.service) || a.number - b.number);
}

/** The Docker engine of a node: the one in the inventory, else the one that the `docker` command would use. */

import type { ContainerPlace } from '../../model/inventory.ts';
import { DockerClient } from '../docker/client.ts';
import { shellWord } from '../shell-word.ts';

/** @throws EnvironmentError when a named context or its certificates cannot be read. */
export function engineOf({ host, certPath, context }: ContainerPlace): DockerClient {
  const { DOCKER_CONFIG } = process.env;
  const config = DOCKER_CONFIG === undefined ? {} : { DOCKER_CONFIG };
  if (context !== undefined) return DockerClient.of({ ...config, DOCKER_CONTEXT: context });
  if (host === undefined) return DockerClient.fromEnvironment();
  const certificates = certPath === undefined ? {} : { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certPath };
  return DockerClient.of({ DOCKER_HOST: host, ...certificates });
}

/** The name of the engine in the inventory, if any. */
export function engineName({ host, context }: ContainerPlace): string | undefined {
  return context === undefined ? host : `the context ${context}`;
}

/** What a person types before a command for that engine: `docker --context blue`. */
export function dockerCommand({ host, certPath, context }: ContainerPlace): string {
  if (context !== undefined) return `docker --context ${context}`;
  if (host === undefined) return 'docker';
  if (certPath === undefined) return `docker --host ${host}`;
  return `DOCKER_CERT_PATH=${shellWord(certPath)} docker --host ${host} --tlsverify`;
}

/** Finds the Docker engine that the `docker` command would use. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import { MAX_WRITTEN_BYTES, readRegularSync } from '../../regular-file.ts';

export interface Endpoint {
  /** `unix:///var/run/docker.sock`, `tcp://127.0.0.1:2375`, `npipe:////./pipe/docker_engine`. */
  readonly host: string;
  /** The source of `host`, for messages: `DOCKER_HOST`, `the context "colima"`, `the default`. */
  readonly source: string;
  /** PEM certificates; absent for a plain connection. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/**
 * DOCKER_HOST, else the context of DOCKER_CONTEXT or of the client's configuration, else the default socket.
 * @param env the process's environment.
 * @param homeFolder where `.docker` is, unless DOCKER_CONFIG names it.
 * @throws EnvironmentError when a named context cannot be read.
 */
export function dockerEndpoint(env: Readonly<NodeJS.ProcessEnv>, homeFolder: string): Endpoint {
  const host = env.DOCKER_HOST;
  if (host) {
    // As for the docker command: without a protocol it is a host and a port.
    if (!/^[a-z]+:\/\/.|^[\w.-]+:\d+$|^\[[\da-f:]+\]:\d+$/i.test(host)) {
      throw new EnvironmentError(`DOCKER_HOST: "${host}" is not the address of a Docker engine`, {
        code: 'docker-configuration',
        hint: 'set it to an address such as unix:///var/run/docker.sock or tcp://host:2375, or unset it',
      });
    }
    const secure = env.DOCKER_TLS_VERIFY ? tlsFrom(env.DOCKER_CERT_PATH || join(homeFolder, '.docker')) : undefined;
    return {
      host: host.includes('://') ? host : `tcp://${host}`,
      source: 'DOCKER_HOST',
      ...(secure && { tls: secure }),
    };
  }
  const folder = env.DOCKER_CONFIG || join(homeFolder, '.docker');
  const context = env.DOCKER_CONTEXT || currentContext(folder);
  if (context !== undefined && context !== 'default') return contextEndpoint(folder, context);
  return { host: defaultHost(homeFolder), source: 'the default' };
}

function defaultHost(homeFolder: string): string {
  if (process.platform === 'win32') return 'npipe:////./pipe/docker_engine';
  const system = '/var/run/docker.sock';
  // Docker Desktop may lack the system-wide link.
  const desktop = join(homeFolder, '.docker/run/docker.sock');
  return `unix://${!existsSync(system) && existsSync(desktop) ? desktop : system}`;
}

function currentContext(folder: string): string | undefined {
  const path = join(folder, 'config.json');
  if (!existsSync(path)) return undefined;
  try {
    return (JSON.parse(textIn(path)) as { currentContext?: string }).currentContext;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A context's folder is named after the SHA-256 of its name. */
function contextEndpoint(folder: string, name: string): Endpoint {
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(folder, 'contexts/meta', id, 'meta.json');
  const tls = join(folder, 'contexts/tls', id, 'docker');
  try {
    const meta = JSON.parse(textIn(path)) as { Endpoints?: { docker?: { Host?: string } } };
    const host = meta.Endpoints?.docker?.Host;
    if (!host) throw new Error('it has no endpoint for docker');
    return { host, source: `the context "${name}"`, ...(existsSync(tls) && { tls: tlsFrom(tls) }) };
  } catch (error) {
    throw unreadable(`the Docker context "${name}" (${path})`, error);
  }
}

function tlsFrom(folder: string): NonNullable<Endpoint['tls']> {
  const read = (name: string) => textIn(join(folder, name));
  try {
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  } catch (error) {
    throw unreadable(`the certificates in ${folder}`, error);
  }
}

function textIn(path: string): string {
  return readRegularSync(path, MAX_WRITTEN_BYTES).toString('utf8');
}

function unreadable(what: string, cause: unknown): EnvironmentError {
  return new EnvironmentError(`cannot read ${what}: ${errorText(cause)}`, {
    code: 'docker-configuration',
    hint: '"docker context ls" lists the contexts; or set DOCKER_HOST',
    cause,
  });
}

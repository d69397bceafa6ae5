/** Calls to the Docker engine, each with a time limit and helpful errors. */

import type { Agent } from 'node:http';
import { inspect } from 'node:util';
import type Docker from 'dockerode';
import type { ContainerInspectInfo, DockerVersion } from 'dockerode';
import { homeFolder } from '../../home-folder.ts';
import { withoutBrackets } from '../../model/address.ts';
import { EnvironmentError, errorText } from '../../model/errors.ts';
import { unlessAborted } from '../../model/unless-aborted.ts';
import { dockerEndpoint, type Endpoint } from './endpoint.ts';

const DEFAULT_LIMIT_MS = 15_000;

/** The engine refused a call. `status` is the HTTP status, `reason` the engine's message. */
export class EngineRefusal extends EnvironmentError {
  readonly status: number;
  readonly reason: string;

  constructor(what: string, status: number, reason: string, cause: unknown) {
    super(`the Docker engine did not ${what}: ${reason}`, { code: 'docker-refused', cause });
    this.status = status;
    this.reason = reason;
  }
}

export interface CallOptions {
  /** 15 s by default. */
  readonly limitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export class DockerClient {
  readonly endpoint: Endpoint;
  readonly #options: Docker.DockerOptions;
  readonly #secure: boolean;
  #known: Promise<Known> | undefined;

  private constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
    this.#options = clientOptions(endpoint);
    this.#secure = endpoint.tls !== undefined;
  }

  /**
   * A client for the engine that the `docker` command would use; does not connect yet.
   * @throws EnvironmentError when the configuration cannot be understood.
   */
  static fromEnvironment(): DockerClient {
    return DockerClient.of(process.env);
  }

  /**
   * A client for the engine that the `docker` command would use with these variables.
   * @throws as `fromEnvironment`.
   */
  static of(environment: Readonly<NodeJS.ProcessEnv>): DockerClient {
    const endpoint = dockerEndpoint(environment, homeFolder() ?? '/nonexistent');
    return new DockerClient(endpoint);
  }

  /**
   * Makes one call to the engine.
   * @param what in words, for error messages: `stop container citus_worker1`.
   * @param work gets a signal for dockerode's `abortSignal`.
   * @throws EngineRefusal when the engine refuses, EnvironmentError when it does not answer in time, the signal's reason
   * when aborted.
   */
  async call<T>(
    what: string,
    work: (docker: Docker, abortSignal: AbortSignal) => Promise<T>,
    { limitMs = DEFAULT_LIMIT_MS, signal }: CallOptions = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    const limit = AbortSignal.timeout(limitMs);
    try {
      const stop = signal ? AbortSignal.any([signal, limit]) : limit;
      // Not every call of dockerode obeys its signal.
      const answer = this.#engine().then(({ docker }) => work(docker, stop));
      return await unlessAborted(answer, stop);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof EnvironmentError) throw error;
      const { statusCode, json } = error as { statusCode?: number; json?: { message?: string } };
      if (statusCode !== undefined) throw new EngineRefusal(what, statusCode, json?.message ?? errorText(error), error);
      const { host, source } = this.endpoint;
      if ((error as NodeJS.ErrnoException).code === 'EACCES') {
        throw new EnvironmentError(
          `this user has no access to the Docker engine at ${host} (${source}); tried to ${what}`,
          {
            code: 'docker-unreachable',
            hint: 'run pgquake as a user in the group "docker", or point DOCKER_HOST at an engine of this user',
            cause: error,
          },
        );
      }
      const reason = limit.aborted ? `no answer within ${limitMs} ms` : errorText(error);
      throw new EnvironmentError(`no Docker engine answers at ${host} (${source}): ${reason}; tried to ${what}`, {
        code: 'docker-unreachable',
        hint: 'start Docker, or name its address with DOCKER_HOST or "docker context use"; --platform local needs no Docker',
        cause: error,
      });
    }
  }

  /**
   * Inspects one container.
   * @param container its id or name.
   * @throws as `call`.
   */
  inspect(what: string, container: string): Promise<ContainerInspectInfo> {
    return this.call(what, (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }));
  }

  /** @throws as `call`. */
  version(): Promise<DockerVersion> {
    return this.call('ask for its version', async () => (await this.#engine()).version);
  }

  /** The engine, asked once for its version: a proxy or a web server may be listening in its place. */
  async #engine(): Promise<Known> {
    this.#known ??= this.#askVersion();
    const asked = this.#known;
    try {
      return await asked;
    } catch (error) {
      if (this.#known === asked) this.#known = undefined;
      throw error;
    }
  }

  async #askVersion(): Promise<Known> {
    const docker = await engineWith(this.#options, this.#secure);
    // Calls side by side share this one, so it must not end with the limit of any.
    const options = { abortSignal: AbortSignal.timeout(DEFAULT_LIMIT_MS) };
    const ask = docker.version as (options: object) => Promise<DockerVersion>;
    try {
      const version = await ask.call(docker, options);
      if (typeof version?.ApiVersion === 'string') return { docker, version };
      throw notDocker(this.endpoint, Buffer.isBuffer(version) ? `${version}` : JSON.stringify(version));
    } catch (error) {
      const { statusCode, json } = error as { statusCode?: number; json?: { message?: string } };
      // An engine in trouble, or a proxy that forbids this call, gives its reason; no engine lacks the call.
      if (statusCode === undefined || (statusCode !== 404 && json?.message !== undefined)) throw error;
      throw notDocker(this.endpoint, errorText(error).replace(/^\(HTTP code (\d+)\) [a-z ]+ - /, '$1 '), error);
    }
  }
}

interface Known {
  readonly docker: Docker;
  readonly version: DockerVersion;
}

/** Of an answer, for messages. */
const SHOWN_ANSWER = 120;

function notDocker({ host, source }: Endpoint, answer = '', cause?: unknown): EnvironmentError {
  const shown = answer.replace(/\s+/g, ' ').slice(0, SHOWN_ANSWER);
  return new EnvironmentError(
    `what answers at ${host} (${source}) is no Docker engine: asked for /version, it answers ${shown || 'nothing'}`,
    {
      code: 'docker-unreachable',
      hint: 'correct DOCKER_HOST or the context; an engine that expects TLS also needs DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH',
      cause,
    },
  );
}

/** Loaded with the first call: these are a fifth of all modules, needed only for containers. */
async function engineWith(options: Docker.DockerOptions, secure: boolean): Promise<Docker> {
  const [{ default: Engine }, http] = await Promise.all([
    import('dockerode'),
    secure ? import('node:https') : import('node:http'),
  ]);
  // A kept-alive connection may be dead when it is needed; a new one takes less than 1 ms. dockerode's transport formats
  // every request with its whole agent for a log that is off, which costs 1 s of processor time per 100 calls.
  const agent = Object.assign(new http.Agent({ keepAlive: false }), { [inspect.custom]: () => 'Agent' });
  // The types leave `agent` out.
  const withAgent: Docker.DockerOptions & { agent: Agent } = { ...options, agent };
  return new Engine(withAgent);
}

function clientOptions({ host, source, tls }: Endpoint): Docker.DockerOptions {
  const path = /^(?:unix|npipe):\/\/(.+)$/.exec(host)?.[1];
  if (path !== undefined) return { socketPath: path };
  if (!/^tcp:/i.test(host) || !URL.canParse(host)) throw unusable(host, source);
  const { hostname, port } = new URL(host);
  return {
    host: withoutBrackets(hostname),
    port: port || (tls === undefined ? 2375 : 2376),
    protocol: tls === undefined ? 'http' : 'https',
    ...tls,
  };
}

/** What is wrong with an address; `ssh://` may be right, but its containers are out of reach. */
function unusable(host: string, source: string): EnvironmentError {
  const refused = (why: string, hint: string) =>
    new EnvironmentError(`${source}: cannot use the Docker engine at "${host}"${why}`, {
      code: 'docker-configuration',
      hint,
    });
  const web = /^http(s?):/i.exec(host);
  if (web) {
    const certificates = web[1] ? ', and for TLS set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH' : '';
    return refused(
      ': expected unix://, npipe:// or tcp://, as for the docker command',
      `write ${host.replace(/^https?/i, 'tcp')}${certificates}`,
    );
  }
  if (/^tcp:/i.test(host)) {
    return refused(
      ': expected tcp://host:port with a port up to 65535',
      'correct the address, such as tcp://127.0.0.1:2375',
    );
  }
  return refused(
    '',
    'pgquake must reach the containers directly: use an engine on this machine (unix://, npipe:// or tcp://)',
  );
}

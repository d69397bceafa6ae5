/** One node that runs in a container, and the acts on it. */

import type { ContainerInspectInfo } from 'dockerode';
import pRetry from 'p-retry';
import { z } from 'zod';
import {
  type Capability,
  type NodeAttachments,
  type NodeBackends,
  type NodeControl,
  type NodeData,
  type NodeDisk,
  type NodeNetwork,
  type NodeResources,
  type NodeState,
  noSuchBackend,
} from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { connectionRefusal, healthCheck } from '../program-health.ts';
import { shellWord } from '../shell-word.ts';
import { lackingHere } from './abilities.ts';
import { type DockerClient, EngineRefusal } from './client.ts';
import { POSTGRES_PORT, PROJECT_LABEL } from './compose.ts';
import { AGENT_LABEL, HEALTH_LABEL, PORT_LABEL } from './compose-programs.ts';
import { partsInContainer } from './container-parts.ts';
import { type DataVolume, DockerData, dataVolume } from './data.ts';
import { DockerDisk } from './disk.ts';
import { type ExecOptions, type ExecResult, execIn } from './exec.ts';
import { helperImage } from './image.ts';
import { dockerNetwork } from './network.ts';
import { type ContainerNetworking, type HostPort, published, reach } from './reach.ts';
import { DockerResources } from './resources.ts';

/** An orderly shutdown gets this long before the engine kills the container. */
const STOP_GRACE_S = 10;
const STOP_LIMIT_MS = 40_000;
const ACT_LIMIT_MS = 30_000;
const AGENT_LIMIT_MS = 1_000;
const FREEZE_AGAIN_MS = 100;

/** As a journal keeps it. */
const attachmentSchema = z.object({ network: z.string(), aliases: z.array(z.string()), address: z.string() });

export interface DockerNodeOptions {
  readonly client: DockerClient;
  readonly name: NodeName;
  /** Full id: an id is never given twice, a name may be. */
  readonly containerId: string;
  /** See `reach`. */
  readonly localAddresses: readonly string[];
  /** Clients reach its server by an address that is known from elsewhere. False by default. */
  readonly reachedElsewhere?: boolean;
}

export class DockerNode implements NodeControl {
  readonly name: NodeName;
  readonly containerId: string;
  readonly #client: DockerClient;
  readonly #localAddresses: readonly string[];
  #containerName = '';
  #project: string | undefined;
  #dataFolder = '';
  health: NodeControl['health'];
  parts: NodeControl['parts'];
  #login: Omit<Address, 'host' | 'port'> = { user: '', password: '', database: '' };
  #port = POSTGRES_PORT;
  #networking: ContainerNetworking | undefined;
  #reachedAt: HostPort = { host: '', port: 0 };
  #publishedAt: HostPort | undefined;

  private constructor({ client, name, containerId, localAddresses }: DockerNodeOptions) {
    this.name = name;
    this.containerId = containerId;
    this.#client = client;
    this.#localAddresses = localAddresses;
    this.network = dockerNetwork({
      client,
      containerId,
      image: async () => helperImage() ?? (await this.#inspect()).Image,
      project: () => this.#project,
      containerName: () => this.#containerName,
      run: (what, command, limitMs) => this.#run(what, command, { limitMs }),
    });
    this.disk = new DockerDisk({
      client,
      containerId,
      image: async () => (await this.#inspect()).Image,
      project: () => this.#project,
      containerName: () => this.#containerName,
      dataFolder: () => this.#dataFolder,
      run: (what, command, limitMs) => this.#run(what, command, { limitMs }),
    });
    this.data = new DockerData({
      client,
      image: async () => (await this.#inspect()).Image,
      project: () => this.#project,
      containerName: () => this.#containerName,
      volume: () => this.#volume(),
      volumeOf: (node) => (node instanceof DockerNode ? node.#volume() : undefined),
      containerOf: (node) => (node instanceof DockerNode ? node.containerId : undefined),
    });
    this.resources = new DockerResources({
      inspect: async () => (await this.#inspect()).HostConfig,
      update: async (limits) => {
        await this.#client.call(`limit container ${this.#containerName}`, (docker, abortSignal) =>
          docker.getContainer(containerId).update({ ...limits, abortSignal }),
        );
      },
      stats: () =>
        this.#client.call(`look at the use of container ${this.#containerName}`, (docker, abortSignal) =>
          // At once, not after the second that a rate would need; the types do not know the word.
          docker.getContainer(containerId).stats({ stream: false, 'one-shot': true, abortSignal } as { stream: false }),
        ),
      run: (what, command) => this.#run(what, command),
    });
  }

  /**
   * Takes hold of a container; whether that is allowed is the caller's matter.
   * @throws EnvironmentError when it does not exist, or runs and cannot be reached from here.
   */
  static async of(options: DockerNodeOptions): Promise<DockerNode> {
    const node = new DockerNode(options);
    const { Config, Name, State } = await node.#inspect();
    node.#containerName = Name.replace(/^\//, '');
    node.#project = Config.Labels[PROJECT_LABEL];
    node.#login = loginOf(Config.Env);
    if (Config.Labels[HEALTH_LABEL] !== undefined) node.health = healthCheck(node, Config.Labels[HEALTH_LABEL]);
    const agent = Config.Labels[AGENT_LABEL];
    if (agent !== undefined) {
      const [process = '', port] = agent.split(':');
      node.parts = partsInContainer({
        name: node.name,
        agent: process,
        agentRefusal: () => connectionRefusal(node.addressAt(Number(port)), AGENT_LIMIT_MS),
        run: (what, command) => node.#run(what, command),
      });
    }
    node.#dataFolder = variablesOf(Config.Env).get('PGDATA') || '/var/lib/postgresql/data';
    if (State.Running && node.#reachedAt.host === '' && !options.reachedElsewhere) {
      throw new EnvironmentError(`the server in container ${node.#containerName} cannot be reached from here`, {
        code: 'node-unreachable',
        hint: `publish its port ${node.#port} on 127.0.0.1, or run pgquake on the machine of the Docker engine`,
      });
    }
    return node;
  }

  /** The container's name, `citus_worker1`. */
  get containerName(): string {
    return this.#containerName;
  }

  /** Of its container, by its name and the start of its id: a name may be given to another image. */
  async image(): Promise<string> {
    const { Config, Image } = await this.#inspect();
    return `${Config.Image} (${Image.replace('sha256:', '').slice(0, 12)})`;
  }

  address(): Address {
    return { ...this.#reachedAt, ...this.#login };
  }

  addressAt(port: number): Address {
    const at = this.#networking && reach(this.#networking, port, this.#localAddresses);
    return { ...(at ?? { ...this.#reachedAt, port }), ...this.#login };
  }

  async locate(): Promise<void> {
    await this.#inspect();
  }

  peerAddress(_from: NodeName): Address {
    return { host: this.#containerName, port: this.#port, ...this.#login };
  }

  async state(): Promise<NodeState> {
    const { State } = await this.#inspect();
    if (State.Paused) return 'paused';
    return State.Running ? 'running' : 'stopped';
  }

  async startedAt(): Promise<string> {
    return (await this.#inspect()).State.StartedAt;
  }

  async stoppedProcesses(): Promise<number> {
    if ((await this.state()) !== 'running') return 0;
    const { Processes } = await this.#client.call(
      `look at the processes of container ${this.#containerName}`,
      (docker, abortSignal) =>
        docker.getContainer(this.containerId).top({ ps_args: '-eo pid,stat', abortSignal } as { ps_args: string }),
    );
    return (Processes as string[][]).filter(([, state]) => state?.startsWith('T')).length;
  }

  async describeState(): Promise<string> {
    const { State } = await this.#inspect();
    const container = `container ${this.containerId.slice(0, 12)}`;
    if (State.Paused) return `${container} paused, its process ${State.Pid} frozen`;
    if (State.Running) return `${container} running, process ${State.Pid}`;
    return `${container} ${State.Status}, exit code ${State.ExitCode}`;
  }

  async stop(): Promise<void> {
    await this.#act('stop', STOP_LIMIT_MS, ['stopped']);
  }

  async kill(): Promise<void> {
    await this.#act('kill', ACT_LIMIT_MS, ['stopped']);
  }

  async pause(): Promise<void> {
    await this.#act('pause', ACT_LIMIT_MS, ['paused']);
  }

  async resume(): Promise<void> {
    if ((await this.state()) === 'paused') await this.#act('unpause', ACT_LIMIT_MS, ['running', 'stopped']);
  }

  async start(): Promise<void> {
    if ((await this.state()) === 'stopped') await this.#act('start', ACT_LIMIT_MS, ['running']);
  }

  readonly backends: NodeBackends = {
    kill: async (pid) => {
      // A child of the postmaster, which need not be the container's first process. The shell's own `kill`, as few
      // images bring another.
      const script = `parent=$(cut -d' ' -f4 /proc/${Math.trunc(pid)}/stat)
case "$(cat /proc/$parent/comm)" in postgres|postmaster) kill -9 ${Math.trunc(pid)};; *) exit 1;; esac`;
      const { exitCode } = await this.#run(`kill process ${pid}`, ['sh', '-c', script]);
      if (exitCode !== 0) throw noSuchBackend(this.name, pid);
    },
  };

  readonly attachments: NodeAttachments = {
    list: async () => {
      const { NetworkSettings } = await this.#inspect();
      return Object.entries(NetworkSettings.Networks).map(([network, { Aliases, IPAddress }]) => ({
        network,
        aliases: Aliases ?? [],
        address: IPAddress,
      }));
    },
    detach: async () => {
      for (const { network } of z.array(attachmentSchema).parse(await this.attachments.list())) {
        await this.#client.call(
          `take container ${this.#containerName} off the network ${network}`,
          (docker, abortSignal) =>
            docker.getNetwork(network).disconnect({ Container: this.containerId, abortSignal } as object),
        );
      }
    },
    attach: async (attachments) => {
      const present = z.array(attachmentSchema).parse(await this.attachments.list());
      for (const attachment of z.array(attachmentSchema).parse(attachments)) {
        if (!present.some(({ network }) => network === attachment.network)) await this.#connect(attachment);
      }
      await this.#inspect();
    },
  };

  readonly network: NodeNetwork;
  readonly resources: NodeResources;
  readonly disk: NodeDisk;
  readonly data: NodeData;

  /** With the address that it had, where the network lets one choose. */
  async #connect({ network, aliases, address }: z.output<typeof attachmentSchema>): Promise<void> {
    const connect = (own: object) =>
      this.#client.call(`put container ${this.#containerName} into the network ${network}`, (docker, abortSignal) =>
        docker.getNetwork(network).connect({
          Container: this.containerId,
          EndpointConfig: { Aliases: aliases, ...own },
          abortSignal,
        } as object),
      );
    try {
      await connect(address === '' ? {} : { IPAMConfig: { IPv4Address: address } });
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      await connect({});
    }
  }

  async #volume(): Promise<DataVolume> {
    const found = dataVolume((await this.#inspect()).Mounts, this.#dataFolder);
    if (found) return found;
    throw new EnvironmentError(`the data of ${this.#containerName} in ${this.#dataFolder} are on no volume`, {
      code: 'no-volume',
    });
  }

  /**
   * Lets other nodes follow its log, which the image allows for its own machine only.
   * @throws EnvironmentError where it cannot be written down.
   */
  async allowReplication(): Promise<void> {
    const file = shellWord(`${this.#dataFolder}/pg_hba.conf`);
    const line = 'host replication all all scram-sha-256';
    const { exitCode, output } = await this.#run('allow replication', [
      'sh',
      '-c',
      `echo ${shellWord(line)} >> ${file} && kill -HUP 1`,
    ]);
    if (exitCode === 0) return;
    throw new EnvironmentError(`could not allow replication from ${this.#containerName}: ${output}`, {
      code: 'replication-refused',
    });
  }

  /** Whether the process of a session, as its server tells it, runs in the container. False where it has no shell to look with. */
  async serves(backend: number, clientPort: number | null): Promise<boolean> {
    const script = `tr '\\0' ' ' < /proc/${Math.trunc(backend)}/cmdline`;
    const { exitCode, output } = await this.#run(`look at process ${backend}`, ['sh', '-c', script]);
    const port = clientPort === null ? '[local]' : `(${clientPort})`;
    return exitCode === 0 && output.includes('postgres') && output.includes(port);
  }

  /** Whether the engine chooses a port of this machine anew for it whenever it starts. */
  async isPublishedByChance(port: number): Promise<boolean> {
    const { HostConfig, NetworkSettings } = await this.#inspect();
    const chosen = (HostConfig.PortBindings ?? {}) as Readonly<Record<string, readonly { HostPort?: string }[] | null>>;
    return Object.entries(NetworkSettings.Ports).some(
      ([inside, bindings]) =>
        bindings?.some(({ HostPort }) => Number(HostPort) === port) &&
        !chosen[inside]?.some(({ HostPort }) => Number(HostPort) === port),
    );
  }

  /** Why its traffic cannot be changed from beside it, in words; as `lackingHere`. */
  async lacksForTraffic(capability: Capability): Promise<string | undefined> {
    return lackingHere(this.#client, helperImage() ?? (await this.#inspect()).Image, capability);
  }

  /** Runs a program in the container, as its root. */
  #run(what: string, command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return execIn(this.#client, {
      what: `${what} in container ${this.#containerName}`,
      containerId: this.containerId,
      command,
      ...options,
    });
  }

  /** @param reached states in which a refusal of the act ("already stopped") is none. */
  async #act(
    act: 'stop' | 'kill' | 'pause' | 'unpause' | 'start',
    limitMs: number,
    reached: readonly NodeState[],
  ): Promise<void> {
    const ask = () =>
      this.#client.call(
        `${act} container ${this.#containerName}`,
        (docker, abortSignal): Promise<unknown> => {
          const container = docker.getContainer(this.containerId);
          return act === 'stop' ? container.stop({ t: STOP_GRACE_S, abortSignal }) : container[act]({ abortSignal });
        },
        { limitMs },
      );
    try {
      await pRetry(ask, {
        retries: 4,
        factor: 1,
        minTimeout: FREEZE_AGAIN_MS,
        shouldRetry: ({ error }) => isThawed(error),
      });
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      const state = await this.state();
      if (!reached.includes(state)) throw error;
    }
    // A container that starts again may have another address.
    if (act === 'start') await this.#inspect();
  }

  /** Looks at the container, and where it is reached now. */
  async #inspect(): Promise<ContainerInspectInfo> {
    let seen: ContainerInspectInfo;
    try {
      seen = await this.#client.call(`look at container ${this.#containerName || this.name}`, (docker, abortSignal) =>
        docker.getContainer(this.containerId).inspect({ abortSignal }),
      );
    } catch (error) {
      if (!(error instanceof EngineRefusal) || error.status !== 404) throw error;
      throw new EnvironmentError(
        `${this.name}: container ${this.#containerName} (${this.containerId.slice(0, 12)}) does not exist any more`,
        { code: 'container-gone', hint: 'it was removed from outside; this cluster cannot be healed', cause: error },
      );
    }
    const networking = seen.NetworkSettings as unknown as ContainerNetworking;
    this.#port = Number(seen.Config.Labels[PORT_LABEL] ?? POSTGRES_PORT);
    // What a stopped container says of its network is empty.
    if (seen.State.Running) this.#networking = networking;
    this.#publishedAt = published(networking.Ports, this.#port) ?? this.#publishedAt;
    // The address of a stopped container may be given to the next one that starts; its published port is
    // refused at once.
    const reachedAt = seen.State.Running ? reach(networking, this.#port, this.#localAddresses) : this.#publishedAt;
    this.#reachedAt = reachedAt ?? this.#reachedAt;
    return seen;
  }
}

/**
 * Whether the engine gave up a pause and let all go on: on control groups of version 1, runc looks a thousand times whether
 * all processes are frozen, and on a busy machine one may still be held in the kernel. Asked again, it succeeds.
 */
function isThawed(error: unknown): boolean {
  return error instanceof EngineRefusal && error.reason.includes('unable to freeze');
}

/** The password that a container's server was made with; empty where it has none. For taking it out of logs. */
export async function passwordIn(client: DockerClient, containerId: string): Promise<string> {
  const { Config } = await client.call(`look at container ${containerId.slice(0, 12)}`, (docker, abortSignal) =>
    docker.getContainer(containerId).inspect({ abortSignal }),
  );
  return loginOf(Config.Env).password;
}

function variablesOf(environment: readonly string[]): ReadonlyMap<string | undefined, string> {
  return new Map(environment.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
}

/** The superuser that the official image makes, from the container's variables, `NAME=value`. */
function loginOf(environment: readonly string[]): Omit<Address, 'host' | 'port'> {
  const variables = variablesOf(environment);
  const user = variables.get('POSTGRES_USER') || 'postgres';
  return {
    user,
    password: variables.get('POSTGRES_PASSWORD') ?? '',
    database: variables.get('POSTGRES_DB') || user,
  };
}

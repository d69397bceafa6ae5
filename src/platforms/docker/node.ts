/** One node in a container. */

import type { ContainerInspectInfo } from 'dockerode';
import type {
  Capability,
  NodeAttachments,
  NodeBackends,
  NodeControl,
  NodeData,
  NodeDisk,
  NodeNetwork,
  NodeResources,
  NodeState,
} from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import { EnvironmentError } from '../../model/errors.ts';
import type { NodeName } from '../../model/topology.ts';
import { connectionRefusal, healthCheck } from '../program-health.ts';
import { shellWord } from '../shell-word.ts';
import { lackingHere } from './abilities.ts';
import { isBackend, killBackend } from './backends.ts';
import { type DockerClient, EngineRefusal } from './client.ts';
import { POSTGRES_PORT, PROJECT_LABEL } from './compose.ts';
import { AGENT_LABEL, HEALTH_LABEL, PORT_LABEL } from './compose-programs.ts';
import { actOn, type ContainerAct, STOP_LIMIT_MS } from './container-acts.ts';
import { dataFolderOf, type Login, loginOf } from './container-login.ts';
import { partsInContainer } from './container-parts.ts';
import { type DataVolume, DockerData, dataVolume } from './data.ts';
import { DockerDisk } from './disk.ts';
import { type ExecResult, execIn } from './exec.ts';
import { helperImage } from './image.ts';
import { dockerNetwork } from './network.ts';
import { NetworkAttachments } from './network-attachments.ts';
import { type ContainerNetworking, publishedByChance, Reached } from './reach.ts';
import { DockerResources } from './resources.ts';

const ACT_LIMIT_MS = 30_000;
const AGENT_LIMIT_MS = 1_000;

export interface DockerNodeOptions {
  readonly client: DockerClient;
  readonly name: NodeName;
  /** Full id: names can be reused, ids cannot. */
  readonly containerId: string;
  /** See `reach`. */
  readonly localAddresses: readonly string[];
  /** Clients know the server's address from elsewhere. False by default. */
  readonly reachedElsewhere?: boolean;
}

export class DockerNode implements NodeControl {
  readonly name: NodeName;
  readonly containerId: string;
  readonly #client: DockerClient;
  readonly #reached: Reached;
  #containerName = '';
  #project: string | undefined;
  #dataFolder = '';
  health: NodeControl['health'];
  parts: NodeControl['parts'];
  #login: Login = { user: '', password: '', database: '' };

  private constructor({ client, name, containerId, localAddresses }: DockerNodeOptions) {
    this.name = name;
    this.containerId = containerId;
    this.#client = client;
    this.#reached = new Reached(localAddresses);
    const run = this.#run.bind(this);
    const inspect = this.#inspect.bind(this);
    const containerName = () => this.#containerName;
    const shared = { client, containerId, containerName, project: () => this.#project, run };
    const image = async () => (await inspect()).Image;
    this.network = dockerNetwork({ ...shared, image: () => this.#trafficImage() });
    this.disk = new DockerDisk({ ...shared, image, dataFolder: () => this.#dataFolder });
    this.data = new DockerData({
      ...shared,
      image,
      volume: () => this.#volume(),
      volumeOf: (node) => (node instanceof DockerNode ? node.#volume() : undefined),
      containerOf: (node) => (node instanceof DockerNode ? node.containerId : undefined),
    });
    this.attachments = new NetworkAttachments({ client, containerId, containerName, inspect });
    this.resources = new DockerResources({
      inspect: async () => (await inspect()).HostConfig,
      update: async (limits) => {
        await this.#client.call(`limit container ${this.#containerName}`, (docker, abortSignal) =>
          docker.getContainer(containerId).update({ ...limits, abortSignal }),
        );
      },
      stats: () =>
        this.#client.call(`read the usage of container ${this.#containerName}`, (docker, abortSignal) =>
          // `one-shot`, unknown to the types, skips the second that rates would need.
          docker.getContainer(containerId).stats({ stream: false, 'one-shot': true, abortSignal } as { stream: false }),
        ),
      run,
    });
  }

  /**
   * Opens a container; the caller decides whether that is allowed.
   * @throws EnvironmentError when it does not exist, or is running and cannot be reached.
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
        run: node.#run.bind(node),
      });
    }
    node.#dataFolder = dataFolderOf(Config.Env);
    if (State.Running && node.#reached.at.host === '' && !options.reachedElsewhere) {
      throw new EnvironmentError(`the server in container ${node.#containerName} cannot be reached from here`, {
        code: 'node-unreachable',
        hint: `publish its port ${node.#reached.port} on 127.0.0.1, or run pgquake on the machine of the Docker engine`,
      });
    }
    return node;
  }

  /** The container's name, `citus_worker1`. */
  get containerName(): string {
    return this.#containerName;
  }

  /** The image's name and the start of its id: names can be reused. */
  async image(): Promise<string> {
    const { Config, Image } = await this.#inspect();
    return `${Config.Image} (${Image.replace('sha256:', '').slice(0, 12)})`;
  }

  address(): Address {
    return { ...this.#reached.at, ...this.#login };
  }

  addressAt(port: number): Address {
    return { ...this.#reached.atPort(port), ...this.#login };
  }

  async locate(): Promise<void> {
    await this.#inspect();
  }

  peerAddress(_from: NodeName): Address {
    return { host: this.#containerName, port: this.#reached.port, ...this.#login };
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

  readonly backends: NodeBackends = { kill: (pid) => killBackend(this.name, pid, this.#run.bind(this)) };
  readonly attachments: NodeAttachments;
  readonly network: NodeNetwork;
  readonly resources: NodeResources;
  readonly disk: NodeDisk;
  readonly data: NodeData;

  async #volume(): Promise<DataVolume> {
    const found = dataVolume((await this.#inspect()).Mounts, this.#dataFolder);
    if (found) return found;
    throw new EnvironmentError(`the data of ${this.#containerName} in ${this.#dataFolder} are on no volume`, {
      code: 'no-volume',
    });
  }

  /**
   * Lets other nodes replicate from it, which the image allows only to its own machine.
   * @throws EnvironmentError when pg_hba.conf cannot be changed.
   */
  async allowReplication(): Promise<void> {
    const file = shellWord(`${this.#dataFolder}/pg_hba.conf`);
    const script = `echo host replication all all scram-sha-256 >> ${file} && kill -HUP 1`;
    const { exitCode, output } = await this.#run('allow replication', ['sh', '-c', script]);
    if (exitCode === 0) return;
    throw new EnvironmentError(`could not allow replication from ${this.#containerName}: ${output}`, {
      code: 'replication-refused',
    });
  }

  /** Whether a session's process runs in the container. False if the container has no shell. */
  async serves(backend: number, clientPort: number | null): Promise<boolean> {
    return isBackend({ pid: backend, clientPort }, this.#run.bind(this));
  }

  /** Whether the engine chooses its published port at each start. */
  async isPublishedByChance(port: number): Promise<boolean> {
    const { HostConfig, NetworkSettings } = await this.#inspect();
    return publishedByChance(NetworkSettings.Ports, HostConfig.PortBindings, port);
  }

  /** Why a helper cannot change its traffic; as `lackingHere`. */
  async lacksForTraffic(capability: Capability): Promise<string | undefined> {
    return lackingHere(this.#client, await this.#trafficImage(), capability);
  }

  /** Has iptables and tc. */
  async #trafficImage(): Promise<string> {
    return helperImage() ?? (await this.#inspect()).Image;
  }

  /** Runs a program in the container as root. */
  #run(what: string, command: readonly string[], limitMs?: number): Promise<ExecResult> {
    return execIn(this.#client, {
      what: `${what} in container ${this.#containerName}`,
      containerId: this.containerId,
      command,
      limitMs,
    });
  }

  /** @param reached states in which the engine's refusal ("already stopped") is harmless. */
  async #act(act: ContainerAct, limitMs: number, reached: readonly NodeState[]): Promise<void> {
    try {
      await actOn(this.#client, { id: this.containerId, name: this.#containerName }, act, { limitMs });
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      const state = await this.state();
      if (!reached.includes(state)) throw error;
    }
    // A restarted container may have another address.
    if (act === 'start') await this.#inspect();
  }

  /** Inspects the container and updates its address. */
  async #inspect(): Promise<ContainerInspectInfo> {
    let seen: ContainerInspectInfo;
    try {
      seen = await this.#client.inspect(`look at container ${this.#containerName || this.name}`, this.containerId);
    } catch (error) {
      if (!(error instanceof EngineRefusal) || error.status !== 404) throw error;
      throw new EnvironmentError(
        `${this.name}: container ${this.#containerName} (${this.containerId.slice(0, 12)}) no longer exists`,
        { code: 'container-gone', hint: 'another program removed it; this cluster cannot be healed', cause: error },
      );
    }
    this.#reached.see({
      networking: seen.NetworkSettings as unknown as ContainerNetworking,
      port: Number(seen.Config.Labels[PORT_LABEL] ?? POSTGRES_PORT),
      running: seen.State.Running,
    });
    return seen;
  }
}

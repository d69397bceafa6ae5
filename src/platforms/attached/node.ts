/** One node of an inventory: reached by its connection string, broken through its container where it has one. */

import { connect } from 'node:net';
import { type Capability, type NodeControl, without } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import type { NodeName } from '../../model/topology.ts';
import type { DockerNode } from '../docker/node.ts';

const CONNECT_LIMIT_MS = 2_000;
/** What is never done to somebody else's data. */
const KEPT_OFF: Partial<Record<Capability, string>> = {
  'data-copy': 'pgquake replaces no data of a cluster that it did not make',
  'disk-full': 'pgquake fills no disk of a cluster that it did not make',
};

export interface AttachedNodeOptions {
  readonly name: NodeName;
  readonly address: Address;
  /** Absent where people alone can break it. */
  readonly container?: DockerNode | undefined;
  /** How the `docker` command reaches its engine: `docker --context blue`. */
  readonly docker?: string;
}

export function attachedNode({ name, address, container, docker = 'docker' }: AttachedNodeOptions): NodeControl {
  return container ? inContainer({ name, address, container, docker }) : byConnection(name, address);
}

function inContainer({
  name,
  address,
  container,
  docker,
}: Required<AttachedNodeOptions> & { readonly container: DockerNode }): NodeControl {
  return {
    name,
    address: () => address,
    peerAddress: (from) => container.peerAddress(from),
    state: () => container.state(),
    startedAt: () => container.startedAt(),
    stoppedProcesses: () => container.stoppedProcesses(),
    describeState: () => container.describeState(),
    stop: () => container.stop(),
    kill: () => container.kill(),
    pause: () => container.pause(),
    resume: () => container.resume(),
    start: () => container.start(),
    backends: container.backends,
    attachments: container.attachments,
    network: container.network,
    resources: container.resources,
    lacks: async (capability) =>
      KEPT_OFF[capability] ??
      (await wouldMove(container, address, capability)) ??
      container.lacksForTraffic(capability),
    commands: (capability) => commandsOn(docker, container.containerName, capability),
  };
}

/** A container that is started anew may be reached elsewhere than its connection string says. */
async function wouldMove(
  container: DockerNode,
  { port }: Address,
  capability: Capability,
): Promise<string | undefined> {
  const restarts = capability === 'node-stop' || capability === 'node-kill';
  if (!restarts || !(await container.isPublishedByChance(port))) return undefined;
  return `Docker publishes ${container.containerName} on another port than ${port} when it starts it again; publish it on a fixed one`;
}

/** What the calls to the engine's API are in words of the `docker` command. */
function commandsOn(
  docker: string,
  container: string,
  capability: Capability,
): { readonly act: string; readonly undo?: string } {
  const beside = (script: string) =>
    `${docker} run --rm --network container:${container} --cap-add NET_ADMIN <image> ${script}`;
  switch (capability) {
    case 'node-stop':
      return { act: `${docker} stop --time 10 ${container}`, undo: `${docker} start ${container}` };
    case 'node-kill':
      return { act: `${docker} kill ${container}`, undo: `${docker} start ${container}` };
    case 'node-pause':
      return { act: `${docker} pause ${container}`, undo: `${docker} unpause ${container}` };
    case 'network-disconnect':
      return {
        act: `${docker} network disconnect <each of its networks> ${container}`,
        undo: `${docker} network connect --alias <as before> --ip <as before> <each of its networks> ${container}`,
      };
    case 'network-rules':
      return {
        act: beside('iptables -I ... -m comment --comment <mark>'),
        undo: beside('iptables -D <what carries the mark>'),
      };
    case 'network-bandwidth':
    case 'network-latency':
      return {
        act: beside('tc qdisc add dev <each> root handle <mark> ...'),
        undo: beside('tc qdisc del dev <each> root'),
      };
    case 'resource-limits':
      return {
        act: `${docker} update --cpus ... --memory ... ${container}`,
        undo: `${docker} update <as before> ${container}`,
      };
    case 'backend-kill':
      return { act: `${docker} exec ${container} kill -9 <the server process of one session>` };
    default:
      return { act: 'nothing' };
  }
}

function byConnection(name: NodeName, address: Address): NodeControl {
  const node = { name };
  const refuse = (capability: Capability) => async () => without(node.name, capability);
  return {
    name,
    address: () => address,
    peerAddress: () => address,
    byConnectionAlone: true,
    state: async () => ((await refusal(address)) === undefined ? 'running' : 'stopped'),
    stoppedProcesses: async () => 0,
    describeState: async () => {
      const reason = await refusal(address);
      return reason === undefined ? 'its port accepts connections' : `its port accepts no connections (${reason})`;
    },
    stop: refuse('node-stop'),
    kill: refuse('node-kill'),
    pause: refuse('node-pause'),
    resume: async () => undefined,
    start: async () => undefined,
    lacks: async () => `the inventory names no way to break ${name}; with its container, docker: <name>, it can be`,
    commands: () => ({ act: 'nothing' }),
  };
}

/** Why its port accepts no connection: a system's error, or that it took too long. */
function refusal({ host, port }: Address): Promise<string | undefined> {
  return new Promise((settle) => {
    const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    const end = (reason: string | undefined) => {
      socket.destroy();
      settle(reason);
    };
    socket.setTimeout(CONNECT_LIMIT_MS, () => end('no answer'));
    socket.once('connect', () => end(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

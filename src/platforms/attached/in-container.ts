/** A node of an inventory that pgquake breaks through its container. */

import type { Capability, NodeControl } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import type { NodeName } from '../../model/topology.ts';
import type { DockerNode } from '../docker/node.ts';
import { RULE_COMMANDS, SHAPER_COMMANDS } from '../scripted-traffic.ts';
import { KEPT_OFF } from './kept-off.ts';

export interface InContainerOptions {
  readonly name: NodeName;
  readonly address: Address;
  /** How other nodes reach it; by default the name of its container. */
  readonly peer: Address | undefined;
  readonly container: DockerNode;
  /** The engine, if the inventory names one: `tcp://10.0.0.5:2376`. */
  readonly engine: string | undefined;
  /** How the `docker` command reaches its engine: `docker --context blue`. */
  readonly docker: string;
}

export function inContainer({ name, address, peer, container, engine, docker }: InContainerOptions): NodeControl {
  return {
    name,
    address: () => address,
    peerAddress: (from) => peer ?? container.peerAddress(from),
    state: () => container.state(),
    startedAt: () => container.startedAt(),
    stoppedProcesses: () => container.stoppedProcesses(),
    describeState: async () => onEngine(await container.describeState(), engine),
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

/** Two engines may have containers of the same name. */
function onEngine(state: string, engine: string | undefined): string {
  return engine === undefined ? state : state.replace(/^container \w+/, (container) => `${container} on ${engine}`);
}

/** After a restart, a container may have another port than its connection string. */
async function wouldMove(
  container: DockerNode,
  { port }: Address,
  capability: Capability,
): Promise<string | undefined> {
  const restarts = capability === 'node-stop' || capability === 'node-kill';
  if (!restarts || !(await container.isPublishedByChance(port))) return undefined;
  return `Docker would publish ${container.containerName} on another port than ${port} after a restart; publish it on a fixed port`;
}

/** The calls to the engine's API as `docker` commands. */
function commandsOn(
  docker: string,
  container: string,
  capability: Capability,
): { readonly act: string; readonly undo?: string } {
  const helper = `${docker} run --rm --network container:${container} --cap-add NET_ADMIN <image>`;
  const beside = ({ act, undo }: typeof RULE_COMMANDS) => ({ act: `${helper} ${act}`, undo: `${helper} ${undo}` });
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
      return beside(RULE_COMMANDS);
    case 'network-bandwidth':
    case 'network-latency':
      return beside(SHAPER_COMMANDS);
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

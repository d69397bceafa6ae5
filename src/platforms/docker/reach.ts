/** How pgquake reaches a server in a container from outside. */

import { BlockList } from 'node:net';

/** The network part of the engine's description of a container. */
export interface ContainerNetworking {
  readonly Networks: Readonly<
    Record<string, { readonly IPAddress?: string; readonly IPPrefixLen?: number } | undefined>
  >;
  /** Published ports: `5432/tcp` -> bindings. */
  readonly Ports: Readonly<Record<string, readonly { readonly HostIp?: string; readonly HostPort: string }[] | null>>;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * The container's own address if this machine is in its network (Linux with a local engine), so that pgquake connects
 * directly; else the port published on 127.0.0.1 (Docker Desktop, whose containers are in a virtual machine).
 * @param localAddresses the IPv4 addresses of this machine; empty to use only published ports.
 * @returns `undefined` if there is neither: the container is not running.
 */
export function reach(
  { Networks, Ports }: ContainerNetworking,
  port: number,
  localAddresses: readonly string[],
): HostPort | undefined {
  for (const network of Object.values(Networks)) {
    if (!network?.IPAddress || !network.IPPrefixLen) continue;
    const subnet = new BlockList();
    subnet.addSubnet(network.IPAddress, network.IPPrefixLen);
    if (localAddresses.some((address) => subnet.check(address))) return { host: network.IPAddress, port };
  }
  return published(Ports, port);
}

/** The binding of a container's port on this machine, if it is published. */
export function published(ports: ContainerNetworking['Ports'], port: number): HostPort | undefined {
  const [binding] = ports[`${port}/tcp`] ?? [];
  if (!binding) return undefined;
  // A port bound to all addresses of a family answers at its loopback address.
  const loopback = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }[binding.HostIp ?? ''];
  return { host: loopback ?? (binding.HostIp as string), port: Number(binding.HostPort) };
}

/** Whether the engine chose this published port at the start, because the container does not ask for it. */
export function publishedByChance(
  ports: ContainerNetworking['Ports'],
  asked: Readonly<Record<string, readonly { readonly HostPort?: string }[] | null>> | null | undefined,
  port: number,
): boolean {
  const isIt = ({ HostPort }: { readonly HostPort?: string }) => Number(HostPort) === port;
  return Object.entries(ports).some(([inside, bindings]) => bindings?.some(isIt) && !asked?.[inside]?.some(isIt));
}

/** Where the server in a container is reached, from the engine's current and earlier answers. */
export class Reached {
  /** The server's own port. */
  port = 0;
  at: HostPort = { host: '', port: 0 };
  readonly #localAddresses: readonly string[];
  #networking: ContainerNetworking | undefined;
  #publishedAt: HostPort | undefined;

  /** @param localAddresses see `reach`. */
  constructor(localAddresses: readonly string[]) {
    this.#localAddresses = localAddresses;
  }

  see({ networking, port, running }: { networking: ContainerNetworking; port: number; running: boolean }): void {
    this.port = port;
    // A stopped container has no network data.
    if (running) this.#networking = networking;
    this.#publishedAt = published(networking.Ports, port) ?? this.#publishedAt;
    // The address of a stopped container may go to the next one that starts; its published port refuses at once.
    this.at = (running ? reach(networking, port, this.#localAddresses) : this.#publishedAt) ?? this.at;
  }

  /** The address of another port of the container. */
  atPort(port: number): HostPort {
    const at = this.#networking && reach(this.#networking, port, this.#localAddresses);
    return at ?? { ...this.at, port };
  }
}

/** How pgquake, outside of the containers, reaches the server in one of them. */

import { BlockList } from 'node:net';

/** One container as the engine describes it, as far as reaching it goes. */
export interface ContainerNetworking {
  readonly Networks: Readonly<
    Record<string, { readonly IPAddress?: string; readonly IPPrefixLen?: number } | undefined>
  >;
  /** `5432/tcp` -> where it is published. */
  readonly Ports: Readonly<Record<string, readonly { readonly HostIp?: string; readonly HostPort: string }[] | null>>;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * The container's own address where this machine is in its network (Linux, the engine on this machine),
 * so that nothing stands between pgquake and the server; else the port published on 127.0.0.1 (Docker
 * Desktop, whose containers are in a virtual machine).
 * @param localAddresses the IPv4 addresses of this machine's own interfaces; none, to go by published ports.
 * @returns `undefined` where neither is there: the container does not run.
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

/** Where the container's port is published on this machine, if it is. */
export function published(ports: ContainerNetworking['Ports'], port: number): HostPort | undefined {
  const [binding] = ports[`${port}/tcp`] ?? [];
  if (!binding) return undefined;
  // Bound to every address of a family, it answers at that family's loopback.
  const loopback = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }[binding.HostIp ?? ''];
  return { host: loopback ?? (binding.HostIp as string), port: Number(binding.HostPort) };
}

/** Whether this port of the machine is published, and none that the container asks for: the engine chose it at the start. */
export function publishedByChance(
  ports: ContainerNetworking['Ports'],
  asked: Readonly<Record<string, readonly { readonly HostPort?: string }[] | null>> | null | undefined,
  port: number,
): boolean {
  const isIt = ({ HostPort }: { readonly HostPort?: string }) => Number(HostPort) === port;
  return Object.entries(ports).some(([inside, bindings]) => bindings?.some(isIt) && !asked?.[inside]?.some(isIt));
}

/** Where the server in one container is reached, by what the engine says of it and has said before. */
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
    // What a stopped container says of its network is empty.
    if (running) this.#networking = networking;
    this.#publishedAt = published(networking.Ports, port) ?? this.#publishedAt;
    // The address of a stopped container may be given to the next one that starts; its published port is
    // refused at once.
    this.at = (running ? reach(networking, port, this.#localAddresses) : this.#publishedAt) ?? this.at;
  }

  /** Where another port of the container is reached. */
  atPort(port: number): HostPort {
    const at = this.#networking && reach(this.#networking, port, this.#localAddresses);
    return at ?? { ...this.at, port };
  }
}

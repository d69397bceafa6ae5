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

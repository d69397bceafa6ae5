/** What pgquake never does to clusters that it did not make, and why. */

import { isIPv6 } from 'node:net';
import type { Capability } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';

export const KEPT_OFF: Partial<Record<Capability, string>> = {
  'data-copy': 'pgquake does not replace the data of a cluster that it did not make',
  'disk-full': 'pgquake does not fill the disks of a cluster that it did not make',
};

const BY_PACKETS: readonly Capability[] = ['network-rules', 'network-bandwidth', 'network-latency'];

/** Why packet rules, which match IPv4 addresses, would miss a machine's packets. */
export function packetsMissed(capability: Capability, { host }: Pick<Address, 'host'>): string | undefined {
  if (!BY_PACKETS.includes(capability) || !isIPv6(host)) return undefined;
  return `pgquake strikes only IPv4 packets, and clients reach this node at ${host}`;
}

/** What is never done to somebody else's data, and why not. */

import { isIPv6 } from 'node:net';
import type { Capability } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';

export const KEPT_OFF: Partial<Record<Capability, string>> = {
  'data-copy': 'pgquake replaces no data of a cluster that it did not make',
  'disk-full': 'pgquake fills no disk of a cluster that it did not make',
};

const BY_PACKETS: readonly Capability[] = ['network-rules', 'network-bandwidth', 'network-latency'];

/** Why an act on packets would miss those of a machine: rules tell packets by their IPv4 addresses. */
export function packetsMissed(capability: Capability, { host }: Pick<Address, 'host'>): string | undefined {
  if (!BY_PACKETS.includes(capability) || !isIPv6(host)) return undefined;
  return `pgquake strikes packets of IPv4 alone, and its clients reach it at ${host}`;
}

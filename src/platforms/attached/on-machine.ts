/** A node of an inventory that pgquake breaks by ssh, as a service of its machine. */

import type { NodeControl } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import type { NodeName } from '../../model/topology.ts';
import type { Service } from '../ssh/service.ts';
import { KEPT_OFF, packetsMissed } from './kept-off.ts';

export interface OnMachineOptions {
  readonly address: Address;
  /** How other nodes reach it. */
  readonly peer: Address;
  readonly service: Service;
  /** Another node on the same machine, which shares its packets. */
  readonly beside: NodeName | undefined;
}

export function onMachine({ address, peer, service, beside }: OnMachineOptions): NodeControl {
  return {
    name: service.name,
    address: () => address,
    peerAddress: () => peer,
    state: () => service.state(),
    startedAt: () => service.startedAt(),
    stoppedProcesses: () => service.stoppedProcesses(),
    describeState: () => service.describeState(),
    stop: () => service.stop(),
    kill: () => service.kill(),
    pause: () => service.pause(),
    resume: () => service.resume(),
    start: () => service.start(),
    backends: service.backends,
    network: service.network,
    lacks: async (capability) => {
      if (beside !== undefined && capability.startsWith('network-')) {
        return `${beside} is on the same machine, so the fault would strike its packets too`;
      }
      return KEPT_OFF[capability] ?? packetsMissed(capability, address) ?? service.lacks(capability);
    },
    commands: (capability) => service.commands(capability),
  };
}

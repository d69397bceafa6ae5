/** One node of an inventory that is broken as a service on its machine, by ssh. */

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
  /** Another node of the inventory on the same machine, whose packets are the same. */
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
        return `${beside} is on the same machine, and its packets would be struck as well`;
      }
      return KEPT_OFF[capability] ?? packetsMissed(capability, address) ?? service.lacks(capability);
    },
    commands: (capability) => service.commands(capability),
  };
}

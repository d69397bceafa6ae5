/** A node of an inventory with a connection string only, which pgquake cannot break but a person can. */

import { type Capability, type NodeControl, without } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import type { NodeName } from '../../model/topology.ts';
import { connectionRefusal } from '../program-health.ts';

const CONNECT_LIMIT_MS = 2_000;

export function byConnection(name: NodeName, address: Address, peer: Address): NodeControl {
  const refuse = (capability: Capability) => async () => without(name, capability);
  return {
    name,
    address: () => address,
    peerAddress: () => peer,
    byConnectionAlone: true,
    state: async () => ((await connectionRefusal(address, CONNECT_LIMIT_MS)) === undefined ? 'running' : 'stopped'),
    stoppedProcesses: async () => 0,
    describeState: async () => {
      const reason = await connectionRefusal(address, CONNECT_LIMIT_MS);
      return reason === undefined ? 'its port accepts connections' : `its port accepts no connections (${reason})`;
    },
    stop: refuse('node-stop'),
    kill: refuse('node-kill'),
    pause: refuse('node-pause'),
    resume: async () => undefined,
    start: async () => undefined,
    lacks: async () => `the inventory names no way to break ${name}; add docker: <container> or ssh: <machine>`,
    commands: () => ({ act: 'nothing' }),
  };
}

/** A node of an inventory with a connection string only, which pgquake cannot break but a person can. */

import { connect } from 'node:net';
import { type Capability, type NodeControl, without } from '../../cluster/platform.ts';
import type { Address } from '../../model/address.ts';
import type { NodeName } from '../../model/topology.ts';

const CONNECT_LIMIT_MS = 2_000;

export function byConnection(name: NodeName, address: Address, peer: Address): NodeControl {
  const node = { name };
  const refuse = (capability: Capability) => async () => without(node.name, capability);
  return {
    name,
    address: () => address,
    peerAddress: () => peer,
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
    lacks: async () => `the inventory names no way to break ${name}; add docker: <container> or ssh: <machine>`,
    commands: () => ({ act: 'nothing' }),
  };
}

/** Why its port accepts no connection: a system error or a timeout. */
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

/** `node-stop`: the node shuts down cleanly and stays down until the undo starts it. */

import { z } from 'zod';
import { strikeEach } from './each-target.ts';
import { defineFault } from './fault.ts';
import { proveDown, startAgain } from './node-down.ts';

export const nodeStop = defineFault({
  name: 'node-stop',
  summary: 'Shuts a node down cleanly: it ends its sessions and flushes its data.',
  docs: {
    note: 'SIGINT to the postmaster, or `docker stop`; SIGKILL after 10 s.',
    proof: 'its processes are gone or the container exited; SQL is refused.',
    undo: 'start. Healed when it accepts SQL.',
    example: ['faults:', '  - { fault: node-stop, target: worker1, for: 8s }'],
  },
  state: 'stopped',
  params: z.strictObject({}),
  needs: ['node-stop'],
  effect: 'down',
  takes: () => ({ what: 'node', how: 'stopped' }),

  async inject(targets, _params, context) {
    await strikeEach(targets, context, 'start', (node) => node.stop());
  },

  prove: proveDown,
  undo: startAgain,
});

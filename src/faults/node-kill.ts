/** `node-kill`: the node dies without warning and stays down until the undo starts it. */

import { z } from 'zod';
import { strikeEach } from './each-target.ts';
import { defineFault } from './fault.ts';
import { proveDown, startAgain } from './node-down.ts';

export const nodeKill = defineFault({
  name: 'node-kill',
  summary: 'Kills a node without warning: SIGKILL to the server and all its processes.',
  docs: {
    note: 'SIGKILL to all processes at once, or `docker kill`. The next start goes through crash recovery.',
    proof: 'its processes are gone, or the container exited with code 137; SQL is refused.',
    undo: 'start. Healed when it accepts SQL.',
    example: ['faults:', '  - { fault: node-kill, target: [worker2, worker3], for: 8s }'],
  },
  state: 'killed',
  params: z.strictObject({}),
  needs: ['node-kill'],
  effect: 'down',

  async inject(targets, _params, context) {
    await strikeEach(targets, context, 'start', (node) => node.kill());
  },

  prove: proveDown,
  undo: startAgain,
});

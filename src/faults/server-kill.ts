/** `server-kill`: PostgreSQL on a node dies; the agent keeps running. */

import { defineFault } from './fault.ts';
import { killed } from './part-of-node.ts';

export const serverKill = defineFault({
  name: 'server-kill',
  summary: 'Kills only PostgreSQL on a node: its agent notices, and restarts it or gives up.',
  docs: {
    note: 'Needs the engine `patroni`.',
    proof: "`/proc` lists the agent's processes and none of those that were killed.",
    undo: 'nothing; the agent starts PostgreSQL. Healed when the node is back in the cluster.',
    example: [
      'cluster: { engine: patroni }',
      'faults:',
      '  - { fault: server-kill, target: { role: primary }, for: 20s }',
    ],
  },
  state: 'server killed',
  ...killed('server'),
});

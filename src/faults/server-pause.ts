/** `server-pause`: PostgreSQL on a node freezes; the agent keeps running. */

import { defineFault } from './fault.ts';
import { frozen } from './part-of-node.ts';

export const serverPause = defineFault({
  name: 'server-pause',
  summary: 'Freezes only PostgreSQL on a node: its agent keeps running, and gets no answer.',
  docs: {
    note: 'Needs the engine `patroni`.',
    proof: "`/proc` shows PostgreSQL's processes stopped (`T`) and the agent's running.",
    undo: 'SIGCONT. Healed when the node is back in the cluster.',
    example: [
      'cluster: { engine: patroni }',
      'faults:',
      '  - { fault: server-pause, target: { role: primary }, for: 40s }',
    ],
  },
  state: 'server frozen',
  ...frozen('server'),
});

/** `postmaster-pause`: the process that accepts connections freezes; sessions that are open go on. */

import { defineFault } from './fault.ts';
import { frozen } from './part-of-node.ts';

export const postmasterPause = defineFault({
  name: 'postmaster-pause',
  summary: 'Freezes the process that accepts connections: sessions go on, and no new one can be made.',
  docs: {
    note: "The agent's own session goes on as well. Needs the engine `patroni`.",
    proof: "`/proc` shows that process stopped (`T`) and the agent's running.",
    undo: 'SIGCONT. Healed when the node is back in the cluster.',
    example: [
      'cluster: { engine: patroni }',
      'faults:',
      '  - { fault: postmaster-pause, target: { role: primary }, for: 30s }',
    ],
  },
  state: 'postmaster frozen',
  ...frozen('postmaster'),
});

/** `postmaster-pause`: the process that accepts connections freezes; open sessions continue. */

import { defineFault } from './fault.ts';
import { frozen } from './part-of-node.ts';

export const postmasterPause = defineFault({
  name: 'postmaster-pause',
  summary: 'Freezes the process that accepts connections: open sessions continue, new ones get no answer.',
  docs: {
    note: "The agent's session continues too. Needs the engine `patroni`.",
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

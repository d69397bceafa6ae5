/** `agent-pause`: the manager's agent on a node freezes, and PostgreSQL goes on. */

import { defineFault } from './fault.ts';
import { frozen } from './part-of-node.ts';

export const agentPause = defineFault({
  name: 'agent-pause',
  summary: "Freezes the manager's agent on a node and nothing else: PostgreSQL runs on, unwatched.",
  docs: {
    note: 'Needs the engine `patroni`.',
    proof: "`/proc` shows the agent's processes stopped (`T`) and PostgreSQL's running.",
    undo: 'SIGCONT. Healed when the node is back in the cluster.',
    example: [
      'cluster: { engine: patroni }',
      'faults:',
      '  - { fault: agent-pause, target: { role: primary }, for: 40s }',
    ],
  },
  state: 'agent frozen',
  ...frozen('agent'),
});

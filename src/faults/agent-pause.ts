/** `agent-pause`: the manager's agent on a node freezes; PostgreSQL keeps running. */

import { defineFault } from './fault.ts';
import { frozen } from './part-of-node.ts';

export const agentPause = defineFault({
  name: 'agent-pause',
  summary: "Freezes only the manager's agent on a node: PostgreSQL keeps running, unsupervised.",
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

/** `agent-kill`: the manager's agent on a node dies; PostgreSQL keeps running. */

import { defineFault } from './fault.ts';
import { killed } from './part-of-node.ts';

export const agentKill = defineFault({
  name: 'agent-kill',
  summary: "Kills only the manager's agent on a node: PostgreSQL keeps running, unsupervised.",
  docs: {
    note: 'The agent is Patroni. Needs the engine `patroni`.',
    proof: "`/proc` lists PostgreSQL's processes and none of the agent's.",
    undo: 'the agent is started. Healed when the node is back in the cluster.',
    example: [
      'cluster: { engine: patroni }',
      'faults:',
      '  - { fault: agent-kill, target: { role: primary }, for: 40s }',
    ],
  },
  state: 'agent killed',
  ...killed('agent'),
});

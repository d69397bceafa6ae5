/** `agent-kill`: the manager's agent on a node dies, and PostgreSQL goes on. */

import { defineFault } from './fault.ts';
import { killed } from './part-of-node.ts';

export const agentKill = defineFault({
  name: 'agent-kill',
  summary: "Kills the manager's agent on a node and nothing else: PostgreSQL goes on, unwatched.",
  state: 'agent killed',
  ...killed('agent'),
});

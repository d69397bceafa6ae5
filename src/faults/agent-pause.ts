/** `agent-pause`: the manager's agent on a node freezes, and PostgreSQL goes on. */

import { defineFault } from './fault.ts';
import { frozen } from './part-of-node.ts';

export const agentPause = defineFault({
  name: 'agent-pause',
  summary: "Freezes the manager's agent on a node and nothing else: PostgreSQL goes on, unwatched.",
  state: 'agent frozen',
  ...frozen('agent'),
});

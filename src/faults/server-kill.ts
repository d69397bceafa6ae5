/** `server-kill`: PostgreSQL on a node dies, and its agent goes on. */

import { defineFault } from './fault.ts';
import { killed } from './part-of-node.ts';

export const serverKill = defineFault({
  name: 'server-kill',
  summary: 'Kills PostgreSQL on a node and nothing else: its agent sees that, and starts it again or gives up.',
  state: 'server killed',
  ...killed('server'),
});

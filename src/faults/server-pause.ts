/** `server-pause`: PostgreSQL on a node freezes, and its agent goes on. */

import { defineFault } from './fault.ts';
import { frozen } from './part-of-node.ts';

export const serverPause = defineFault({
  name: 'server-pause',
  summary: 'Freezes all of PostgreSQL on a node and nothing else: its agent goes on, and gets no answer.',
  state: 'server frozen',
  ...frozen('server'),
});

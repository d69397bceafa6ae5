/** `postmaster-pause`: the process that accepts connections freezes; sessions that are open go on. */

import { defineFault } from './fault.ts';
import { frozen } from './part-of-node.ts';

export const postmasterPause = defineFault({
  name: 'postmaster-pause',
  summary: 'Freezes the process that accepts connections: sessions go on, and no new one can be made.',
  state: 'postmaster frozen',
  ...frozen('postmaster'),
});

/** `network-drop`: packets between two sides vanish, as in a partition. */

import { cutOff } from './cut-off.ts';
import { defineFault } from './fault.ts';

export const networkDrop = defineFault({
  name: 'network-drop',
  summary: 'Lets packets between the targets and others vanish, one way or both: a partition.',
  state: 'cut off',
  ...cutOff({
    verdict: 'drop',
    // A connection within a machine is there in far less.
    limitMs: 700,
    seen: ({ who, refusal }) => `no way between it and ${who} (${refusal})`,
  }),
});

/** `network-drop`: packets between two sides are dropped, as in a network split. */

import { cutOff } from './cut-off.ts';
import { defineFault } from './fault.ts';

export const networkDrop = defineFault({
  name: 'network-drop',
  summary: 'Drops packets between the targets and others, one way or both: a network split.',
  docs: {
    proof: 'the rules are in force, and a connection between the two sides gets no answer. With `on`, only the former.',
    undo: 'exactly these rules are removed. Healed when none is left.',
    example: [
      'faults:',
      '  - { fault: network-drop, target: [worker1, worker2], from: [worker3, worker4], for: 5s }',
      '  - { fault: network-drop, target: worker3, from: [coordinator], direction: in, on: COMMIT PREPARED, at: 8s, for: 2s }',
    ],
  },
  state: 'cut off',
  ...cutOff({
    verdict: 'drop',
    // A connection within a machine is established much sooner.
    limitMs: 700,
    seen: ({ who, refusal }) => `no connection between it and ${who} (${refusal})`,
  }),
});

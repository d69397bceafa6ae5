/** `network-reject`: packets between two sides are refused at once, as by a firewall that rejects. */

import { cutOff } from './cut-off.ts';
import { withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';

/** A refusal is immediate; only silence takes this long. */
const LIMIT_MS = 2_000;

export const networkReject = defineFault({
  name: 'network-reject',
  summary: 'Refuses packets between the targets and others at once, with a TCP reset.',
  docs: {
    note: 'Open connections break when they are used.',
    proof: 'the rules are in force, and a connection between the two sides is refused. With `on`, only the former.',
    undo: 'as for `network-drop`.',
    example: ['faults:', '  - { fault: network-reject, target: worker1, from: everybody, for: 5s }'],
  },
  state: 'cut off',
  ...cutOff({
    verdict: 'reset',
    limitMs: LIMIT_MS,
    seen({ node, peer, who, refusal, tookMs }) {
      if (!peer && tookMs > LIMIT_MS) throw withoutEffect(node, 'it is silent instead of refusing');
      return `connections between it and ${who} are refused (${refusal})`;
    },
  }),
});

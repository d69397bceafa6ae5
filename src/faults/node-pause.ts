/** `node-pause`: the node freezes; connections stay open and get no answer. */

import { z } from 'zod';
import { untilServes } from '../cluster/health.ts';
import { strikeEach } from './each-target.ts';
import { defineFault } from './fault.ts';
import { proveAway } from './node-down.ts';

/** A frozen node never answers, so the proof takes this long; a healthy one answers much sooner. */
const SILENCE_MS = 250;

export const nodePause = defineFault({
  name: 'node-pause',
  summary: 'Freezes a node (SIGSTOP, docker pause): its connections stay open and get no answer.',
  docs: {
    proof: 'all its processes are stopped; SQL gets no answer within 250 ms.',
    undo: 'resume. Healed when it accepts SQL.',
    example: ['faults:', '  - { fault: node-pause, target: { role: worker, pick: 1 }, for: 8s }'],
  },
  state: 'frozen',
  params: z.strictObject({}),
  needs: ['node-pause'],
  effect: 'frozen',

  async inject(targets, _params, context) {
    await strikeEach(targets, context, 'resume', (node) => node.pause());
  },

  prove: (targets) =>
    proveAway(targets, 'paused', ({ health }) => `${health ? 'requests' : 'SQL'} unanswered`, SILENCE_MS),

  async undo(_undo, node, { signal }) {
    await node.resume();
    await untilServes(node, Number.POSITIVE_INFINITY, signal);
    return node.describeState();
  },
});

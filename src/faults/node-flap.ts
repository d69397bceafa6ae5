/** `node-flap`: the node goes down without warning and comes back, again and again. */

import { z } from 'zod';
import { duration, positiveDuration } from '../model/quantities.ts';
import { defineFault } from './fault.ts';
import { againAndAgain } from './momentary.ts';
import { proveDown, startAgain } from './node-down.ts';
import { nodeKill } from './node-kill.ts';

const MAX_TIMES = 20;

const params = z.strictObject({
  times: z.int().min(1).max(MAX_TIMES).default(3).describe('How many times it goes down.'),
  down: positiveDuration.prefault('500ms').describe('How long it stays down each time.'),
  up: duration.prefault('500ms').describe('How long it serves in between, once it accepts SQL again.'),
});

export const nodeFlap = defineFault<z.output<typeof params>>({
  name: 'node-flap',
  summary: 'Kills a node and starts it again, several times in a row.',
  docs: {
    proof: 'as for `node-kill`, every time. A node that does not come back is not killed again.',
    example: ['faults:', '  - { fault: node-flap, target: worker1, times: 5, down: 500ms, up: 1s }'],
  },
  state: 'down',
  params,
  needs: nodeKill.needs,
  effect: 'down',
  strikes: (targets, { times, down, up }) => againAndAgain(targets, { times, between: up, forMs: down }),
  inject: (targets, _params, context) => nodeKill.inject(targets, {}, context),
  prove: proveDown,
  undo: startAgain,
});

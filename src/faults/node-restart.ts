/** `node-restart`: the node shuts down cleanly and comes back, as in maintenance. */

import { z } from 'zod';
import { duration } from '../model/quantities.ts';
import { defineFault } from './fault.ts';
import { proveDown, startAgain } from './node-down.ts';
import { nodeStop } from './node-stop.ts';

const params = z.strictObject({
  down: duration
    .prefault('0s')
    .describe('How long it stays down; 0s starts it again as soon as it is seen to be down.'),
});

export const nodeRestart = defineFault<z.output<typeof params>>({
  name: 'node-restart',
  summary: 'Shuts a node down cleanly and starts it again, at once or after a while.',
  docs: {
    proof: 'as for `node-stop`.',
    example: [
      'faults:',
      '  - { fault: node-restart, target: worker1 }',
      '  - { fault: node-restart, target: worker2, at: 5s, down: 500ms }',
    ],
  },
  state: 'restarting',
  params,
  needs: nodeStop.needs,
  effect: 'down',
  takes: () => ({ what: 'node', how: 'stopped' }),
  strikes: (targets, { down }) => [{ targets, gapMs: 0, forMs: down }],
  inject: (targets, _params, context) => nodeStop.inject(targets, {}, context),
  prove: proveDown,
  undo: startAgain,
});

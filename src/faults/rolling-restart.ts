/** `rolling-restart`: the targets are restarted one after another, as in an upgrade. */

import { z } from 'zod';
import { duration } from '../model/quantities.ts';
import { defineFault } from './fault.ts';
import { proveDown, startAgain } from './node-down.ts';
import { nodeStop } from './node-stop.ts';

const params = z.strictObject({
  down: duration.prefault('0s').describe('How long each node stays down.'),
  between: duration.prefault('0s').describe('From a node accepting SQL again to the shutdown of the next one.'),
});

export const rollingRestart = defineFault<z.output<typeof params>>({
  name: 'rolling-restart',
  summary: 'Restarts its targets one after another, each once the previous one accepts SQL again.',
  docs: {
    proof: 'as for `node-stop`, for every node. If a node does not come back, the others are left alone.',
    example: ['faults:', '  - { fault: rolling-restart, target: { role: worker, pick: 4 }, down: 500ms, between: 1s }'],
  },
  state: 'restarting',
  params,
  needs: nodeStop.needs,
  effect: 'down',
  takes: () => ({ what: 'node', how: 'stopped' }),
  strikes: (targets, { down, between }) =>
    targets.map((target, nth) => ({ targets: [target], gapMs: nth === 0 ? 0 : between, forMs: down })),
  inject: (targets, _params, context) => nodeStop.inject(targets, {}, context),
  prove: proveDown,
  undo: startAgain,
});

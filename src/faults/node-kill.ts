/** `node-kill`: the node goes down and stays down until it is started again. */

import { z } from 'zod';
import { defineFault } from './fault.ts';
import { proveDown, startAgain, undoByStart } from './node-down.ts';

export const nodeKill = defineFault({
  name: 'node-kill',
  summary: 'Kills a node without warning: SIGKILL to the server and all its processes.',
  state: 'killed',
  params: z.strictObject({}),
  needs: ['node-kill'],
  effect: 'down',

  async inject(targets, _params, { defer }) {
    await Promise.all(
      targets.map(async (node) => {
        await defer(undoByStart(node));
        await node.kill();
      }),
    );
  },

  prove: proveDown,
  undo: startAgain,
});

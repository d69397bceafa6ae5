/** `node-pause`: the node freezes; connections stay open and get no answer. */

import { z } from 'zod';
import { refusalOf, servesAs, untilServes } from '../cluster/health.ts';
import { EnvironmentError } from '../model/errors.ts';
import { defineFault } from './fault.ts';

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

  async inject(targets, _params, { defer }) {
    await Promise.all(
      targets.map(async (node) => {
        await defer({ action: 'resume', node: node.name });
        await node.pause();
      }),
    );
  },

  async prove(targets) {
    const proofs = await Promise.all(
      targets.map(async (node) => {
        const state = await node.state();
        const refusal = await refusalOf(node, SILENCE_MS);
        if (state !== 'paused' || refusal === undefined) {
          const answer = refusal === undefined ? servesAs(node) : `does not serve (${refusal})`;
          throw new EnvironmentError(`${node.name} is ${state} and ${answer}; it was to be frozen`, {
            code: 'fault-without-effect',
          });
        }
        return `${node.name}: ${await node.describeState()}, ${node.health ? 'requests' : 'SQL'} unanswered (${refusal})`;
      }),
    );
    return proofs.join('; ');
  },

  async undo(_undo, node, { signal }) {
    await node.resume();
    await untilServes(node, Number.POSITIVE_INFINITY, signal);
    return node.describeState();
  },
});

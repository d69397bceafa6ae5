/** `network-disconnect`: the node is taken off its networks, as if its cable were pulled. */

import { z } from 'zod';
import { sqlRefusal, untilServes } from '../cluster/health.ts';
import { type NodeControl, without } from '../cluster/platform.ts';
import { formatCount } from '../model/units.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';

/** A connected node answers much sooner. */
const SILENCE_MS = 1_000;

const undoDetail = z.object({ attachments: z.array(z.record(z.string(), z.unknown())) });

export const networkDisconnect = defineFault({
  name: 'network-disconnect',
  summary: 'Takes a node off all its networks; it keeps running, unreachable.',
  docs: {
    proof: 'the node is in no network, and SQL gets no answer.',
    undo: 'the node gets back its networks and names, and its address if the network allows that. Healed when it accepts SQL.',
    example: ['faults:', '  - { fault: network-disconnect, target: worker1, for: 5s }'],
  },
  state: 'cut off',
  params: z.strictObject({}),
  needs: ['network-disconnect'],
  takes: () => ({ what: 'links', from: 'everybody' }),

  async inject(targets, _params, { defer }) {
    await Promise.all(
      targets.map(async (node) => {
        const networks = attachmentsOf(node);
        const attachments = await networks.list();
        await defer({ action: 'attach', node: node.name, detail: { attachments } });
        await networks.detach();
      }),
    );
  },

  prove(targets) {
    return proveEach(targets, async (node) => {
      const [left, state, refusal] = [
        await attachmentsOf(node).list(),
        await node.state(),
        await sqlRefusal(node, SILENCE_MS),
      ];
      if (left.length > 0) throw withoutEffect(node, `it is still in ${formatCount(left.length, 'network')}`);
      if (refusal === undefined) throw withoutEffect(node, 'it is in no network, but still accepts SQL');
      return `${state}, in no network, SQL unanswered (${refusal})`;
    });
  },

  async undo({ detail }, node, { signal }) {
    const { attachments } = undoDetail.parse(detail);
    await attachmentsOf(node).attach(attachments);
    await untilServes(node, Number.POSITIVE_INFINITY, signal);
    return `in ${formatCount(attachments.length, 'network')} again`;
  },
});

function attachmentsOf(node: NodeControl) {
  return node.attachments ?? without(node.name, 'network-disconnect');
}

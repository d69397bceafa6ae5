/** `network-loss`: a share of the packets between two sides is lost, as on a bad line. */

import type { z } from 'zod';
import { share } from '../model/quantities.ts';
import { formatShare } from '../model/units.ts';
import { defineFault } from './fault.ts';
import {
  addRules,
  betweenParams,
  type Cut,
  metByRules,
  namesOf,
  networkOf,
  proveRules,
  removeRules,
  sum,
} from './packet-rules.ts';

/** Each connection attempt of the proof sends a few packets that can be lost. */
const CONNECT_LIMIT_MS = 500;
const CONNECTIONS = 10;

const params = betweenParams.extend({
  share: share.prefault('10%').describe('Share of the packets, chosen at random.'),
});

export const networkLoss = defineFault<z.output<typeof params>, readonly Cut[]>({
  name: 'network-loss',
  summary: 'Drops a share of the packets between the targets and others.',
  docs: {
    proof: 'the rules are in force.',
    undo: 'as for `network-drop`.',
    example: ['faults:', '  - { fault: network-loss, target: worker1, share: 30%, for: 5s }'],
  },
  state: 'lossy network',
  params,
  needs: ['network-rules'],
  names: namesOf,
  inject: (targets, params, context) =>
    addRules(targets, { ...params, on: undefined }, { verdict: 'drop', share: params.share }, context),

  prove(targets, { share }, cuts) {
    return proveRules(targets, cuts, async (node, { peers, mark }) => {
      const network = networkOf(node);
      const lost = async () => sum(await network.rulesOf(mark));
      const peer = peers?.[0];
      // Losses are up to chance, so zero is no failure: the rules are in force.
      for (let nth = 0; peer && nth < CONNECTIONS && (await lost()) === 0; nth++) {
        await network.connectTo(peer.peerAddress(node.name), CONNECT_LIMIT_MS);
      }
      return `${formatShare(share)} of the packets are lost, ${await lost()} so far`;
    });
  },

  met: (targets, _params, cuts) => metByRules(targets, cuts),
  undo: removeRules,
});

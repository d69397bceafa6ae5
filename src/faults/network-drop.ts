/** `network-drop`: packets between two sides vanish, as in a partition. */

import { sqlRefusal } from '../cluster/health.ts';
import { defineFault } from './fault.ts';
import { withoutEffect } from './own-sessions.ts';
import {
  addRules,
  type Between,
  type Cut,
  eventParams,
  namesOf,
  networkOf,
  proveRules,
  removeRules,
} from './packet-rules.ts';

/** A connection within a machine is there in far less. */
const SILENCE_MS = 700;

export const networkDrop = defineFault<Between, readonly Cut[]>({
  name: 'network-drop',
  summary: 'Lets packets between the targets and others vanish, one way or both: a partition.',
  params: eventParams,
  needs: ['network-rules'],
  names: namesOf,
  inject: (targets, params, context) => addRules(targets, params, { verdict: 'drop' }, context),

  prove(targets, { on }, cuts) {
    return proveRules(targets, cuts, async (node, { peers }) => {
      if (on !== undefined) return `waiting for "${on}"`;
      const peer = peers?.[0];
      const who = peer?.name ?? 'pgquake';
      const silence = peer
        ? await networkOf(node).connectTo(peer.peerAddress(), SILENCE_MS)
        : await sqlRefusal(node, SILENCE_MS);
      if (silence === undefined) throw withoutEffect(node, `it still reaches ${who}`);
      return `no way between it and ${who} (${silence})`;
    });
  },

  undo: removeRules,
});

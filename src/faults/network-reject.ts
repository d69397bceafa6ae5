/** `network-reject`: packets between two sides are refused at once, as by a firewall that is polite. */

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

/** A refusal is immediate; only a silence takes so long. */
const LIMIT_MS = 2_000;

export const networkReject = defineFault<Between, readonly Cut[]>({
  name: 'network-reject',
  summary: 'Refuses packets between the targets and others at once, with a TCP reset.',
  params: eventParams,
  needs: ['network-rules'],
  names: namesOf,
  inject: (targets, params, context) => addRules(targets, params, { verdict: 'reset' }, context),

  prove(targets, { on }, cuts) {
    return proveRules(targets, cuts, async (node, { peers }) => {
      if (on !== undefined) return `waiting for "${on}"`;
      const peer = peers?.[0];
      const who = peer?.name ?? 'pgquake';
      const began = performance.now();
      const refusal = peer
        ? await networkOf(node).connectTo(peer.peerAddress(), LIMIT_MS)
        : await sqlRefusal(node, LIMIT_MS);
      if (refusal === undefined) throw withoutEffect(node, `it still reaches ${who}`);
      if (!peer && performance.now() - began > LIMIT_MS) throw withoutEffect(node, `it is silent, and was to refuse`);
      return `between it and ${who} connections are refused (${refusal})`;
    });
  },

  undo: removeRules,
});

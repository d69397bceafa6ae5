/** Shared by the faults that cut two sides off from each other; they differ in what the sender sees. */

import { sqlRefusal } from '../cluster/health.ts';
import type { NodeControl, PacketRule } from '../cluster/platform.ts';
import { withoutEffect } from './each-target.ts';
import type { Fault } from './fault.ts';
import {
  addRules,
  type Between,
  type Cut,
  eventParams,
  metByRules,
  namesOf,
  networkOf,
  proveRules,
  removeRules,
} from './packet-rules.ts';

/** How a connection attempt of pgquake failed. */
export interface Attempt {
  readonly node: NodeControl;
  /** The other end; `undefined` for pgquake itself. */
  readonly peer: NodeControl | undefined;
  /** The name of the other end. */
  readonly who: string;
  readonly refusal: string;
  readonly tookMs: number;
}

export interface CutOff extends Pick<PacketRule, 'verdict'> {
  /** For one connection attempt. */
  readonly limitMs: number;
  /** The proof in words; throws if the attempt failed in another way than expected. */
  readonly seen: (attempt: Attempt) => string;
}

/** Such a fault without its name and summary. */
export function cutOff({ verdict, limitMs, seen }: CutOff): Omit<Fault<Between, readonly Cut[]>, 'name' | 'summary'> {
  return {
    params: eventParams,
    needs: ['network-rules'],
    names: namesOf,
    // A rule that waits for a text cuts nothing off until then.
    takes: ({ from, on }) => (on === undefined ? { what: 'links', from } : undefined),

    async lacking(_node, { on, from }, { encrypted }) {
      if (on === undefined || from === 'everybody' || encrypted === undefined) return undefined;
      return `traffic between the nodes is encrypted (${encrypted}), so no rule finds "${on}" in it`;
    },

    inject: (targets, params, context) => addRules(targets, params, { verdict }, context),

    prove(targets, { on }, cuts) {
      const waits = on !== undefined;
      const seenAt = async (node: NodeControl, { peers }: Cut) => {
        if (waits) return `waiting for "${on}"`;
        const peer = peers?.[0];
        const who = peer?.name ?? 'pgquake';
        const began = performance.now();
        const refusal = peer
          ? await networkOf(node).connectTo(peer.peerAddress(node.name), limitMs)
          : await sqlRefusal(node, limitMs);
        if (refusal === undefined) throw withoutEffect(node, `it still reaches ${who}`);
        return seen({ node, peer, who, refusal, tookMs: performance.now() - began });
      };
      return proveRules(targets, cuts, seenAt, { waits, resets: verdict === 'reset' });
    },

    met: (targets, _params, cuts) => metByRules(targets, cuts),

    undo: removeRules,
  };
}

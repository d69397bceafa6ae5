/** Whose packets a rule counts: those of the proof show that it works, those of clients that it harms. */

import { expect, test } from 'vitest';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { type Cut, metByRules, proveRules } from '../../src/faults/packet-rules.ts';

/** A node whose only open connection a client uses, and so loses, while the fault is being proven. */
function nodeThatCounts(countsRefusals: boolean): NodeControl {
  const counts = [0, 1];
  const rulesOf = async () => [counts.length > 1 ? counts.shift() : counts[0]];
  return { name: 'worker1', network: { countsRefusals, rulesOf } } as unknown as NodeControl;
}

test.each([
  ['of the client, where refused connections are not counted', false, 1],
  ['of the proof, where they are', true, 0],
])('a packet that is reset during the proof is %s', async (_, countsRefusals, met) => {
  const node = nodeThatCounts(countsRefusals);
  const cut: Cut = { peers: undefined, mark: 'pgquake-00000000-0', metByProof: 0 };
  await proveRules([node], [cut], async () => 'it is refused', { resets: true });
  expect(await metByRules([node], [cut])).toEqual({ counts: { worker1: met }, of: 'packets' });
});

/** Which packets rules strike, and whose they count: those of the proof show that they work, those of clients that they harm. */

import { expect, test } from 'vitest';
import type { NodeControl } from '../../src/cluster/platform.ts';
import type { FaultContext } from '../../src/faults/fault.ts';
import { addRules, type Between, type Cut, metByRules, proveRules } from '../../src/faults/packet-rules.ts';
import { ScriptedTraffic } from '../../src/platforms/scripted-traffic.ts';

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

/** The commands that add the rules to worker1. */
async function commandsOf(between: Partial<Between>, rule: Parameters<typeof addRules>[2]): Promise<string[]> {
  const scripts: string[] = [];
  const network = new ScriptedTraffic({
    run: async ({ script }) => {
      scripts.push(script);
      return '';
    },
    addressesOf: async () => ['10.0.0.2'],
    connectTo: async () => undefined,
  });
  const nodes = [
    { name: 'worker1', network, peerAddress: () => ({ host: 'worker1', port: 5433 }) },
    { name: 'worker2', peerAddress: () => ({ host: 'worker2', port: 5434 }) },
  ] as unknown as NodeControl[];
  const context = { defer: async () => undefined, mark: 'm', nodes } as unknown as FaultContext;
  const where = { from: 'everybody', direction: 'both', on: undefined, ...between } as const;
  await addRules(nodes.slice(0, 1), where, rule, context);
  return scripts.flatMap((script) => script.split('\n')).filter((line) => line.includes(' -I '));
}

const sparedBy = (commands: readonly string[]) => commands.map((line) => /'!' '--sport' '(\d+)'/.exec(line)?.[1]);

// Otherwise only the server would be reset, and a client that has sent its statement before would hang.
test.each([
  ['everybody', {}, ['5433', '5433']],
  ['another node', { from: ['worker2'] }, ['5434', '5433']],
])('where the connections to %s are reset, the answers of servers pass', async (_, between, ports) => {
  for (const established of [true, false]) {
    expect(sparedBy(await commandsOf(between, { verdict: 'reset', established }))).toEqual(ports);
  }
});

test.each([
  ['that reset one way alone', { direction: 'out' }, 'reset'],
  ['that wait for a text', { on: 'COMMIT' }, 'reset'],
  ['that drop', {}, 'drop'],
] as const)('rules %s strike answers, too', async (_, between, verdict) => {
  expect(sparedBy(await commandsOf(between, { verdict }))).not.toContainEqual(expect.any(String));
});

/** Shared by `network-latency` and `network-bandwidth`: shaping what a node sends, with proof and undo. */

import type { NodeControl, Shaping } from '../cluster/platform.ts';
import type { NodeName } from '../model/topology.ts';
import { countEach, proveEach, strikeEach, withoutEffect } from './each-target.ts';
import type { FaultContext, Met, Undo, UndoContext } from './fault.ts';
import { networkOf } from './packet-rules.ts';

/** The shaping of all targets of an act. */
export interface Shaped {
  readonly mark: string;
  /** Packets that each target sent during the proof. */
  readonly passedByProof: Map<NodeName, number>;
}

export async function shapeTraffic(
  targets: readonly NodeControl[],
  shaping: Shaping,
  context: FaultContext,
): Promise<Shaped> {
  const { mark } = context;
  await strikeEach(targets, context, 'unshape', (node) => networkOf(node).shape(mark, shaping));
  return { mark, passedByProof: new Map() };
}

/** @param seen looks from outside and returns the evidence; throws if there is none. */
export function proveShaped(
  targets: readonly NodeControl[],
  shaped: Shaped,
  seen: (node: NodeControl) => Promise<string>,
): Promise<string> {
  const { mark } = shaped;
  return proveEach(targets, async (node) => {
    const network = networkOf(node);
    const shaping = await network.shapingOf(mark);
    if (shaping === undefined) throw withoutEffect(node, 'its traffic is not shaped');
    const before = await network.packetsShaped(mark);
    const words = `${shaping}, ${await seen(node)}`;
    shaped.passedByProof.set(node.name, (await network.packetsShaped(mark)) - before);
    return words;
  });
}

/** Packets that passed each target's shaper, without the proof. */
export function metByShaping(targets: readonly NodeControl[], { mark, passedByProof }: Shaped): Promise<Met> {
  return countEach(
    targets,
    'packets',
    async (node) => (await networkOf(node).packetsShaped(mark)) - (passedByProof.get(node.name) ?? 0),
  );
}

export async function unshapeTraffic(_undo: Undo, node: NodeControl, { mark }: UndoContext): Promise<string> {
  await networkOf(node).unshape(mark);
  return 'its traffic is no longer shaped';
}

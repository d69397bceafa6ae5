/** What `network-latency` and `network-bandwidth` share: shaping what leaves a node, proof and undo. */

import type { NodeControl, Shaping } from '../cluster/platform.ts';
import type { FaultContext, Undo, UndoContext } from './fault.ts';
import { proveEach, withoutEffect } from './own-sessions.ts';
import { networkOf } from './packet-rules.ts';

export async function shapeTraffic(
  targets: readonly NodeControl[],
  shaping: Shaping,
  { defer, mark }: FaultContext,
): Promise<string> {
  await Promise.all(
    targets.map(async (node) => {
      await defer({ action: 'unshape', node: node.name });
      await networkOf(node).shape(mark, shaping);
    }),
  );
  return mark;
}

/** @param seen what a look from outside says; throws where it shows nothing. */
export function proveShaped(
  targets: readonly NodeControl[],
  mark: string,
  seen: (node: NodeControl) => Promise<string>,
): Promise<string> {
  return proveEach(targets, async (node) => {
    const shaping = await networkOf(node).shapingOf(mark);
    if (shaping === undefined) throw withoutEffect(node, 'its traffic is not shaped');
    return `${shaping}, ${await seen(node)}`;
  });
}

export async function unshapeTraffic(_undo: Undo, node: NodeControl, { mark }: UndoContext): Promise<string> {
  await networkOf(node).unshape(mark);
  return 'its traffic is not shaped any more';
}

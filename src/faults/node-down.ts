/** Shared by the faults that take a node down or freeze it: the proof that it is away, and its start. */

import { refusalOf, servesAs, untilServes } from '../cluster/health.ts';
import type { NodeControl, NodeState } from '../cluster/platform.ts';
import { proveEach, withoutEffect } from './each-target.ts';
import type { Undo, UndoContext } from './fault.ts';

export function proveDown(targets: readonly NodeControl[]): Promise<string> {
  return proveAway(targets, 'stopped', ({ health }) => (health ? 'no answer' : 'SQL refused'));
}

/**
 * @param shown what a refusal shows, in words.
 * @returns the evidence that every node is in this state and does not serve.
 * @throws EnvironmentError for a node that is in another state or still serves.
 */
export function proveAway(
  targets: readonly NodeControl[],
  wanted: NodeState,
  shown: (node: NodeControl) => string,
  limitMs?: number,
): Promise<string> {
  return proveEach(targets, async (node) => {
    const state = await node.state();
    const refusal = await refusalOf(node, limitMs);
    if (state !== wanted || refusal === undefined) {
      const answer = refusal === undefined ? servesAs(node) : `does not serve (${refusal})`;
      throw withoutEffect(node, `it is ${state} and ${answer}; expected it to be ${wanted}`);
    }
    return `${await node.describeState()}, ${shown(node)} (${refusal})`;
  });
}

/** Starts the node and waits for it: crash recovery of a busy server takes seconds. */
export async function startAgain(_undo: Undo, node: NodeControl, { signal }: UndoContext): Promise<string> {
  await node.start();
  await untilServes(node, Number.POSITIVE_INFINITY, signal);
  return node.describeState();
}

/** Shared by the faults that take a node down: the proof that it is down, and its start. */

import { refusalOf, servesAs, untilServes } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { Undo, UndoContext } from './fault.ts';

/**
 * @returns for every node what shows that it does not run and does not serve.
 * @throws EnvironmentError naming the first node that still runs or answers.
 */
export async function proveDown(targets: readonly NodeControl[]): Promise<string> {
  const proofs = await Promise.all(
    targets.map(async (node) => {
      const state = await node.state();
      const refusal = await refusalOf(node);
      if (state !== 'stopped' || refusal === undefined) {
        const answer = refusal === undefined ? servesAs(node) : `does not serve (${refusal})`;
        throw new EnvironmentError(`${node.name} is ${state} and ${answer}; it was to be down`, {
          code: 'fault-without-effect',
        });
      }
      return `${node.name}: ${await node.describeState()}, ${node.health ? 'no answer' : 'SQL refused'} (${refusal})`;
    }),
  );
  return proofs.join('; ');
}

/** The undo of every such fault. */
export function undoByStart(node: Pick<NodeControl, 'name'>): Undo {
  return { action: 'start', node: node.name };
}

/** Starts the node and waits for it: crash recovery of a busy server takes seconds. */
export async function startAgain(_undo: Undo, node: NodeControl, { signal }: UndoContext): Promise<string> {
  await node.start();
  await untilServes(node, Number.POSITIVE_INFINITY, signal);
  return node.describeState();
}

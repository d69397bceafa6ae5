/** Strikes, proves and counts each target of an act, all of them at once. */

import type { NodeControl } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { FaultContext, Met } from './fault.ts';

/**
 * Strikes each target once its undo is on disk.
 * @param action of the undo.
 * @returns what the acts return, target by target.
 */
export function strikeEach<T>(
  targets: readonly NodeControl[],
  { defer }: Pick<FaultContext, 'defer'>,
  action: string,
  act: (node: NodeControl) => Promise<T>,
): Promise<T[]> {
  return Promise.all(
    targets.map(async (node) => {
      await defer({ action, node: node.name });
      return await act(node);
    }),
  );
}

/** The proofs of all targets in words, each after its node's name. */
export async function proveEach(
  targets: readonly NodeControl[],
  proofOf: (node: NodeControl, index: number) => Promise<string>,
): Promise<string> {
  const proofs = await Promise.all(targets.map(async (node, i) => `${node.name}: ${await proofOf(node, i)}`));
  return proofs.join('; ');
}

/** @param of what is counted: a plural noun. */
export async function countEach(
  targets: readonly NodeControl[],
  of: string,
  countOf: (node: NodeControl, index: number) => Promise<number>,
): Promise<Met> {
  const counts = await Promise.all(targets.map(async (node, i) => [node.name, await countOf(node, i)] as const));
  return { counts: Object.fromEntries(counts), of };
}

export function withoutEffect(node: Pick<NodeControl, 'name'>, what: string): EnvironmentError {
  return new EnvironmentError(`${node.name}: ${what}`, { code: 'fault-without-effect' });
}

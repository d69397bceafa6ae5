/** A fault on one node for as long as something is done, without a run around it. */

import { expect } from 'vitest';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { bareCluster } from '../../src/contract/bare-cluster.ts';
import type { Fault, Undo } from '../../src/faults/fault.ts';
import { newMark } from '../../src/run/injector.ts';

export interface Struck {
  readonly node: NodeControl;
  /** All of the cluster. */
  readonly nodes: readonly NodeControl[];
  /** As a scenario writes them. */
  readonly params: object;
}

/**
 * Strikes, proves, lets something be done, and undoes, whatever happened.
 * @returns what the undo says.
 */
export async function duringFault(fault: Fault, struck: Struck, work: () => Promise<void>): Promise<string> {
  const { node, nodes } = struck;
  const undos: Undo[] = [];
  const context = { mark: newMark(), nodes, signal: new AbortController().signal };
  const params = fault.params.parse(struck.params);
  const evidence: unknown = await fault.inject([node], params, {
    ...context,
    cluster: bareCluster,
    defer: async (undo) => void undos.push(undo),
    hold: (resource) => resource,
  });
  const undo = () => fault.undo(undos[0] as Undo, node, context);
  try {
    await fault.prove([node], params, evidence);
    await work();
  } catch (error) {
    await undo();
    throw error;
  }
  expect(undos).toHaveLength(1);
  const words = await undo();
  expect(await node.network?.rulesOf(context.mark)).toEqual([]);
  return words;
}

/**
 * Takes acts back and looks whether that worked: the one way to heal, during a run, at its end, and after a
 * crash of pgquake. Not abortable: healing is never skipped, it only has time limits.
 */

import { untilAcceptsSql } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import type { Fault } from '../faults/fault.ts';
import { EnvironmentError, errorText } from '../model/errors.ts';
import type { PendingUndo } from './undo-journal.ts';

/** For one act on one node to be taken back, and once more for the node to be seen well. */
const HEAL_LIMIT_MS = 60_000;

export interface HealOptions {
  readonly nodes: readonly NodeControl[];
  readonly faults: ReadonlyMap<string, Fault>;
  /** Hears of every undo that was carried out. */
  readonly kept: (id: number) => void;
  /** Of each undo; a minute by default. */
  readonly limitMs?: number;
}

export interface Healing {
  /** What shows that each node is well, in words. */
  readonly proofs: readonly string[];
  /** What could not be taken back or verified, in words; its undos stay pending. */
  readonly failures: readonly string[];
}

/**
 * Carries out undos: on each node one after the other in the given order, the nodes side by side. One that
 * fails keeps no other from being tried.
 * @param pending newest first.
 */
export async function undoAll(pending: readonly PendingUndo[], options: HealOptions): Promise<Healing> {
  const byNode = Map.groupBy(pending, ({ undo }) => undo.node);
  const healed = await Promise.all([...byNode].map(([name, owed]) => healNode(name, owed, options)));
  return {
    proofs: healed.flatMap(({ proofs }) => proofs).sort(),
    failures: healed.flatMap(({ failures }) => failures),
  };
}

async function healNode(name: string, owed: readonly PendingUndo[], options: HealOptions): Promise<Healing> {
  const { nodes, kept, limitMs = HEAL_LIMIT_MS } = options;
  const node = nodes.find((candidate) => candidate.name === name);
  if (!node) return { proofs: [], failures: [`the cluster has no node ${name}`] };
  const undone: { readonly id: number; readonly proof: string }[] = [];
  const failures: string[] = [];
  for (const entry of owed) {
    try {
      undone.push({ id: entry.id, proof: await undoOne(entry, node, options) });
    } catch (error) {
      failures.push(errorText(error));
    }
  }
  if (undone.length === 0) return { proofs: [], failures };
  try {
    await untilAcceptsSql(node, limitMs);
    const state = await node.state();
    if (state !== 'running') throw new Error(`${name} is ${state} after its undo`);
  } catch (error) {
    return { proofs: [], failures: [...failures, errorText(error)] };
  }
  for (const { id } of undone) kept(id);
  const words = [...new Set(undone.map(({ proof }) => proof))].join(', ');
  return { proofs: [`${name}: ${words}, accepts SQL`], failures };
}

async function undoOne({ fault: name, mark, undo }: PendingUndo, node: NodeControl, options: HealOptions) {
  const { nodes, faults, limitMs = HEAL_LIMIT_MS } = options;
  const fault = faults.get(name);
  if (!fault) throw new EnvironmentError(`nobody knows how to undo ${name}`, { code: 'not-healed' });
  const limit = AbortSignal.timeout(limitMs);
  const passed = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () =>
      reject(
        new EnvironmentError(`${node.name}: the undo of ${name} took more than ${limitMs / 1_000} s`, {
          code: 'not-healed',
        }),
      ),
    );
  });
  const undoing = fault.undo(undo, node, { mark, nodes, signal: limit });
  // What is still under way when the limit has passed has nobody to report to.
  undoing.catch(() => undefined);
  return await Promise.race([undoing, passed]);
}

/** Lost acknowledged writes of load and witness, by node and by the moments between which they were acknowledged. */

import type { History } from '../model/history.ts';
import type { NodeName } from '../model/topology.ts';
import { finalReadsOf } from './final-reads.ts';
import { finalPrimaryOf } from './final-witness.ts';
import { branchesOf } from './lost-by-node.ts';
import { witnessedNodes, writeSpans } from './write-spans.ts';

/** The lost rows that one node acknowledged between two moments. */
export interface LostRows {
  /** `null`: no node was seen to have them. */
  readonly node: NodeName | null;
  readonly of: 'load' | 'witness';
  /** How many of the moments precede their acknowledgement. */
  readonly after: number;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * @param moments in the order of time.
 * @returns the load's only if final reads were made; the witness's only if the final primary was read.
 */
export function lostRows(history: History, moments: readonly number[]): LostRows[] {
  const buckets = new Map<string, { -readonly [K in keyof LostRows]: LostRows[K] }>();
  const add = (of: LostRows['of'], node: NodeName | null, atMs: number) => {
    const after = moments.filter((moment) => moment <= atMs).length;
    const id = `${of} ${node} ${after}`;
    const bucket = buckets.get(id) ?? { node, of, after, count: 0, firstMs: atMs, lastMs: atMs };
    bucket.count++;
    bucket.firstMs = Math.min(bucket.firstMs, atMs);
    bucket.lastMs = Math.max(bucket.lastMs, atMs);
    buckets.set(id, bucket);
  };
  addLoad(history, add);
  addWitness(history, add);
  return [...buckets.values()].sort((a, b) => a.firstMs - b.firstMs);
}

type Add = (of: LostRows['of'], node: NodeName | null, atMs: number) => void;

function addLoad(history: History, add: Add): void {
  const { made, anywhere } = finalReadsOf(history);
  if (!made) return;
  const writes = new Set(history.run.kinds.filter(({ access }) => access === 'write').map(({ name }) => name));
  const branches = branchesOf(history);
  for (const { kind, outcome, writer, seq, settledAt } of history.operations.scan()) {
    if (outcome !== 'ok' || writer === undefined || seq === undefined || !writes.has(kind)) continue;
    if (anywhere.has(writer, seq)) continue;
    add('load', branches.find(({ branch }) => branch.has(writer, seq))?.node ?? null, settledAt);
  }
}

function addWitness(history: History, add: Add): void {
  const final = finalPrimaryOf(history);
  if (!final) return;
  const nodes = witnessedNodes(history);
  for (const { writes } of writeSpans(history)) {
    for (const write of writes) if (!final.has(write)) add('witness', nodes[write.node - 1] ?? null, write.settledAt);
  }
}

/** What a cluster of one primary and its standbys promises when some members are lost. Pure. */

import type { ClusterState, Expectation, Loss } from '../../cluster/engine.ts';
import type { NodeName } from '../../model/topology.ts';
import { PATIENCE_MS } from './by-hand.ts';
import { copiesOfCommit, voicesNeeded } from './sql.ts';

/** For the manager to look, to elect and to promote, and for clients to find the new primary, on a busy machine too. */
const FAILOVER_SLACK_MS = 3_000;
/** A client tries the frozen one first, and it takes a second to be given up. */
const FROZEN_SLACK_MS = 1_000;

/** By the route `direct`, by which clients write, and read what they wrote. */
export function expectStreaming(
  { placement, roles, spec }: ClusterState,
  { down, frozen = new Set() }: Loss,
): Expectation {
  const [rows] = placement.partitions;
  if (!rows) return { partitions: [] };
  const lost = (node: NodeName) => down.has(node) || frozen.has(node);
  const primary = Object.entries(roles ?? {}).find(([, { role }]) => role === 'primary')?.[0] ?? rows.copies[0];
  const left = rows.copies.filter((node) => !lost(node));
  const served = primary !== undefined && !lost(primary);
  const failsOver = !served && spec?.manager === 'by-hand' && left.length >= voicesNeeded(spec);
  const standbys = left.length - 1;
  const commits = !spec || standbys >= copiesOfCommit(spec);
  const slackMs =
    FAILOVER_SLACK_MS +
    (primary !== undefined && frozen.has(primary) ? FROZEN_SLACK_MS : 0) +
    (left.length < rows.copies.length - 1 ? PATIENCE_MS : 0);
  const outMs = failsOver ? { outMs: (spec?.promoteAfterMs ?? 0) + slackMs } : {};
  if (served || failsOver) {
    const stalled = commits ? {} : { stalled: ['write' as const] };
    return { partitions: [{ partition: rows.name, readable: true, writable: commits, ...stalled, ...outMs }] };
  }
  const silent = primary !== undefined && frozen.has(primary) ? { stalled: ['read' as const, 'write' as const] } : {};
  return { partitions: [{ partition: rows.name, readable: false, writable: false, ...silent }] };
}

/** What a cluster of one primary and its standbys promises after a loss of members. Pure. */

import type { ClusterState, Expectation, Loss } from '../../cluster/engine.ts';
import type { Roles } from '../../model/roles.ts';
import type { NodeName } from '../../model/topology.ts';
import { failoverOf, promiseStreaming } from './promise.ts';
import { streamingSpecOf } from './spec.ts';
import { copiesOfCommit } from './sql.ts';

/** Predicts for the route `direct`, on which clients write and read their own writes. */
export function expectStreaming(
  { placement, roles, own }: ClusterState,
  { down, frozen = new Set(), lost: things = [] }: Loss,
): Expectation {
  const spec = streamingSpecOf(own);
  const [rows] = placement.partitions;
  if (!rows) return { partitions: [] };
  const lost = (node: NodeName) => down.has(node) || frozen.has(node);
  const primary = Object.entries(roles ?? {}).find(([, { role }]) => role === 'primary')?.[0] ?? rows.copies[0];
  const left = rows.copies.filter((node) => !lost(node));
  const served = primary !== undefined && !lost(primary);
  const failover =
    served || !spec
      ? undefined
      : failoverOf(spec, {
          left: left.length,
          members: rows.copies.length,
          silent: primary !== undefined && frozen.has(primary),
        });
  const standbys = left.length - 1;
  const commits = !spec || standbys >= copiesOfCommit(spec);
  const promise =
    spec && things.length > 0 ? promiseStreaming(spec, rows.copies, roles ?? asFormed(rows.copies), things) : undefined;
  const promised = promise ? { promise } : {};
  const outMs = failover ? { outMs: failover.maxMs } : {};
  if (served || failover) {
    const stalled = commits ? {} : { stalled: ['write' as const] };
    const partition = { partition: rows.name, readable: true, writable: commits, ...stalled, ...outMs };
    return { partitions: [partition], ...promised };
  }
  const silent = primary !== undefined && frozen.has(primary) ? { stalled: ['read' as const, 'write' as const] } : {};
  return { partitions: [{ partition: rows.name, readable: false, writable: false, ...silent }], ...promised };
}

/** The roles after forming: the first member is primary; if commits wait for a standby, it is the second member. */
export function asFormed(members: readonly NodeName[], synchronous = false): Roles {
  const others = (i: number) => (synchronous && i === 1 ? 'sync-standby' : 'standby');
  return Object.fromEntries(members.map((name, i) => [name, { role: i === 0 ? 'primary' : others(i) }]));
}

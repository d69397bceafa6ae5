/**
 * The engine `streaming`: one primary and standbys that replay its log, by PostgreSQL's own physical replication with
 * slots. Every member holds everything; who takes writes moves. Nobody fences an old primary.
 */

import { defineEngine, type FormedCluster, type FormOptions } from '../cluster/engine.ts';
import { untilServes } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import { dataNodes, type NodeSpec, type PlacementMap, ringPlacement } from '../model/topology.ts';
import { findStreaming } from './streaming/attached.ts';
import { StreamingCluster } from './streaming/cluster.ts';
import { makeStandbys, READY_LIMIT_MS, untilStreaming } from './streaming/copies.ts';
import { expectStreaming } from './streaming/expect.ts';
import { loadTables } from './streaming/load.ts';
import { WAL_SENDER_TIMEOUT_MS } from './streaming/promise.ts';
import { STREAMING_KEYS, streamingSpecOf } from './streaming/spec.ts';
import { alterSystem, connectTo, refuseOld, synchronousNames } from './streaming/sql.ts';

/** A commit that waits for a standby. */
const SYNCHRONOUS = 'synchronous_standby_names';

export const streaming = defineEngine({
  name: 'streaming',
  summary: 'one primary and standbys that replay its log, by physical replication',

  settings: {
    wal_level: 'replica',
    // Without these no data can be rewound.
    wal_log_hints: 'on',
    full_page_writes: 'on',
    // Two for each standby at most, while one connection takes the place of another.
    max_wal_senders: '32',
    max_replication_slots: '20',
    // What a standby lacks is kept also where the slot is made only after a promotion.
    wal_keep_size: '64MB',
    wal_retrieve_retry_interval: '200ms',
    wal_receiver_status_interval: '1s',
    // A primary that has nothing to say speaks after half of this.
    wal_sender_timeout: `${WAL_SENDER_TIMEOUT_MS}ms`,
    wal_receiver_timeout: '4s',
  },
  nodes: memberNodes,
  keys: STREAMING_KEYS,
  needs: ['data-copy'],
  movingRoles: ['primary', 'standby', 'sync-standby'],
  routes: ['direct', 'standby'],
  readRoutes: ['standby'],

  layout: (topology, rooms) => placementOf(topology, rooms),
  form,
  inspect: ({ nodes, dataset, signal }) => findStreaming(nodes.all, dataset, signal),
  expect: expectStreaming,
});

async function form({ nodes: { all }, topology, dataset, signal }: FormOptions): Promise<FormedCluster> {
  const spec = streamingSpecOf(topology.own);
  const [primary, ...standbys] = all as readonly [NodeControl, ...NodeControl[]];
  if (!spec || standbys.length === 0) {
    throw new EnvironmentError('the engine "streaming" needs at least two members', { code: 'form-failed' });
  }
  const common = { [SYNCHRONOUS]: synchronousNames(spec) };
  await using session = await connectTo(primary);
  await refuseOld(session);
  await Promise.all([loadTables(session, dataset), ...standbys.map((node) => node.stop())]);
  signal.throwIfAborted();
  await makeStandbys(standbys, primary, session, common);
  await Promise.all(standbys.map((node) => untilServes(node, READY_LIMIT_MS, signal)));
  await untilStreaming(
    session,
    primary.name,
    standbys.map(({ name }) => name),
    { signal },
  );
  // Only now: before, every commit would have waited for a standby that was not there.
  await alterSystem(session, common);
  const placement = placementOf(topology, dataset.partitionKeys);
  return new StreamingCluster({ nodes: all, placement, spec, common, primary }).formed();
}

/** All alike: their names say nothing of what they do. */
export function memberNodes(members: number): NodeSpec[] {
  return Array.from({ length: members }, (_, i): NodeSpec => ({ name: `pg${i + 1}`, role: 'member', part: 'data' }));
}

/** Everything is one shard, and every member holds it. */
function placementOf(topology: FormOptions['topology'], rooms: readonly number[]): PlacementMap {
  return {
    partitions: ringPlacement(dataNodes(topology), topology),
    partitionOfKey: Object.fromEntries(rooms.map((room) => [room, 0])),
  };
}

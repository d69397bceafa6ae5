/**
 * The engine `streaming`: one primary and standbys that replay its log, by PostgreSQL's physical replication with slots.
 * Every member holds all rows; the role of primary moves. An old primary is not fenced.
 */

import { defineEngine, type FormedCluster, type FormOptions } from '../cluster/engine.ts';
import { untilServes } from '../cluster/health.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import { memberNodes, placementOf } from './members.ts';
import { findStreaming } from './streaming/attached.ts';
import { StreamingCluster } from './streaming/cluster.ts';
import { makeStandbys, READY_LIMIT_MS, untilStreaming } from './streaming/copies.ts';
import { expectStreaming } from './streaming/expect.ts';
import { loadTables } from './streaming/load.ts';
import { WAL_SENDER_TIMEOUT_MS } from './streaming/promise.ts';
import { STREAMING_KEYS, streamingSpecOf } from './streaming/spec.ts';
import { alterSystem, connectTo, refuseOld, synchronousNames } from './streaming/sql.ts';

/** The setting that makes commits wait for standbys. */
const SYNCHRONOUS = 'synchronous_standby_names';

export const streaming = defineEngine({
  name: 'streaming',
  summary: 'one primary and standbys that replay its log, by physical replication',

  settings: {
    wal_level: 'replica',
    // Rewinding needs these.
    wal_log_hints: 'on',
    full_page_writes: 'on',
    // At most two for each standby, while a new connection replaces an old one.
    max_wal_senders: '32',
    max_replication_slots: '20',
    // Keeps the log that a standby lacks if its slot is created only after a promotion.
    wal_keep_size: '64MB',
    wal_retrieve_retry_interval: '200ms',
    wal_receiver_status_interval: '1s',
    // An idle primary sends a keepalive after half of this.
    wal_sender_timeout: `${WAL_SENDER_TIMEOUT_MS}ms`,
    wal_receiver_timeout: '4s',
  },
  nodes: memberNodes,
  keys: STREAMING_KEYS,
  needs: ['data-copy'],
  movingRoles: ['primary', 'standby', 'sync-standby'],
  routes: ['direct', 'standby'],
  readRoutes: ['standby'],

  layout: placementOf,
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
  // Set this last: without standbys, every commit would have waited.
  await alterSystem(session, common);
  const placement = placementOf(topology, dataset.partitionKeys);
  return new StreamingCluster({ nodes: all, placement, spec, common, primary }).formed();
}

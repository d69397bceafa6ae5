/** What a Patroni cluster promises after a loss, according to its settings. Pure. */

import type { ClusterState, Expectation, Loss } from '../../cluster/engine.ts';
import type { Lost } from '../../model/loss.ts';
import type { Promised } from '../../model/promise.ts';
import type { Roles } from '../../model/roles.ts';
import type { NodeName, PartitionPrediction } from '../../model/topology.ts';
import { asFormed } from '../streaming/expect.ts';
import { promisePatroni } from './promise.ts';
import type { PatroniCluster, PatroniRoute } from './situation.ts';
import { dcsNodes, HAPROXY, type PatroniSpec, PGBOUNCER, patroniSpecOf } from './spec.ts';

/** The default route of clients. */
const DIRECT = 'direct';

export function expectPatroni({ placement, roles, own }: ClusterState, loss: Loss): Expectation {
  const { down, frozen = new Set<NodeName>(), lost: things = [] } = loss;
  const spec = patroniSpecOf(own);
  const [rows] = placement.partitions;
  if (!rows || !spec) return { partitions: [] };
  const cluster = clusterOf(spec, roles ?? asFormed(rows.copies, spec.settings.synchronousMode));
  const nodes = [
    ...[...down].map((node): Lost => ({ what: 'node', how: 'killed', node })),
    ...[...frozen].map((node): Lost => ({ what: 'node', how: 'frozen', node })),
    // Without the manager, no member takes over.
    ...things.filter(({ what }) => what === 'manager'),
  ];
  const ofNodes = promisePatroni(spec.settings, cluster, nodes);
  const promise = things.length > 0 ? promisePatroni(spec.settings, cluster, things) : undefined;
  return {
    partitions: ofNodes ? [predictionOf(rows.name, ofNodes, { down, frozen })] : [],
    ...(promise ? { promise } : {}),
  };
}

function clusterOf(spec: PatroniSpec, roles: Roles): PatroniCluster {
  const routes: PatroniRoute[] = [
    { name: DIRECT },
    ...(spec.proxy ? [{ name: 'proxy', through: [HAPROXY] }] : []),
    ...(spec.pooler ? [{ name: 'pooler', through: [PGBOUNCER, HAPROXY] }] : []),
  ];
  return { roles, dcs: dcsNodes(spec).map(({ name }) => name), routes };
}

/** What a promise means for clients on the route `direct`, which accepts only a primary. */
function predictionOf(
  partition: string,
  { writesOut, primary }: Promised,
  { down, frozen }: { readonly down: ReadonlySet<NodeName>; readonly frozen: ReadonlySet<NodeName> },
): PartitionPrediction {
  const out = writesOut.find(({ route }) => route === DIRECT);
  const { minMs = 0, maxMs = 0, beginsWithinMs = 0 } = out ?? {};
  const writable = minMs !== null;
  const outMs = writable ? (maxMs ?? 0) : beginsWithinMs;
  const isLost = primary === undefined || down.has(primary) || frozen.has(primary);
  // A primary that stays but takes no writes waits for a standby, or demotes itself after a while.
  const readable = writable || (!isLost && beginsWithinMs === 0);
  const stalled: PartitionPrediction = {
    partition,
    readable,
    writable,
    stalled: readable ? ['write'] : ['read', 'write'],
  };
  const waits = !writable && (readable || (primary !== undefined && frozen.has(primary)));
  return { ...(waits ? stalled : { partition, readable, writable }), ...(outMs > 0 ? { outMs } : {}) };
}

/**
 * The engine `patroni`: PostgreSQL servers, each under a Patroni of its own, with etcd, and in front of them HAProxy and
 * PgBouncer where the scenario asks for them. Patroni starts the servers, decides who is primary, and rewinds an old one.
 */

import { defineEngine, type FormedCluster, type FormOptions } from '../cluster/engine.ts';
import { EnvironmentError } from '../model/errors.ts';
import { dataNodes, type PlacementMap, ringPlacement } from '../model/topology.ts';
import { findPatroni } from './patroni/attached.ts';
import { PatroniCluster } from './patroni/cluster.ts';
import { expectPatroni } from './patroni/expect.ts';
import { patroniPrograms } from './patroni/programs.ts';
import { PATRONI_KEYS, patroniSpecOf } from './patroni/spec.ts';
import { loadTables } from './streaming/load.ts';
import { connectTo, refuseOld } from './streaming/sql.ts';
import { memberNodes } from './streaming.ts';

/** From the first server that accepts SQL: two loops until a synchronous standby is published. */
const STEADY_LIMIT_MS = 120_000;
const ROUTES_LIMIT_MS = 60_000;

export const patroni = defineEngine({
  name: 'patroni',
  summary: 'PostgreSQL under Patroni with etcd, HAProxy and PgBouncer',
  keys: PATRONI_KEYS,
  nodes: memberNodes,
  needs: ['node-programs'],
  movingRoles: ['primary', 'standby', 'sync-standby'],
  routes: ['direct', 'standby', 'proxy', 'proxy-standby', 'pooler'],
  readRoutes: ['standby', 'proxy-standby'],
  settings: {},
  // Every member is told of the others by one address, as Patroni publishes it.
  sharesAddresses: true,
  programsFor: (topology) => {
    const spec = patroniSpecOf(topology.own);
    if (!spec) throw new Error('the cluster is of another engine');
    return patroniPrograms(spec, dataNodes(topology));
  },
  layout: (topology, partitionKeys) => placementOf(topology, partitionKeys),
  form,
  inspect: ({ nodes, dataset, signal }) => findPatroni(nodes, dataset, signal),
  expect: expectPatroni,
});

async function form({ nodes: { all, beside = [] }, topology, dataset, signal }: FormOptions): Promise<FormedCluster> {
  const spec = patroniSpecOf(topology.own);
  if (!spec) throw new EnvironmentError('the engine "patroni" needs keys of its own', { code: 'form-failed' });
  const placement = placementOf(topology, dataset.partitionKeys);
  const asked = new PatroniCluster({ nodes: all, beside, placement, spec });
  await asked.untilSteady(STEADY_LIMIT_MS, signal);
  const leader = (await asked.rest.members()).find(({ role }) => role === 'leader')?.name;
  const primary = all.find(({ name }) => name === leader);
  if (!primary) throw new EnvironmentError('Patroni has no leader', { code: 'no-primary' });
  await using session = await connectTo(primary);
  await refuseOld(session);
  await loadTables(session, dataset);
  const { patroni: about } = await asked.rest.status(primary);
  const version = about === undefined ? {} : { version: `Patroni ${about.version}` };
  const cluster = new PatroniCluster({ nodes: all, beside, placement, spec, ...version });
  await cluster.untilReached(ROUTES_LIMIT_MS, signal);
  return cluster.formed();
}

/** All rows are one partition, and every member holds it. */
function placementOf(topology: FormOptions['topology'], partitionKeys: readonly number[]): PlacementMap {
  return {
    partitions: ringPlacement(dataNodes(topology), topology),
    partitionOfKey: Object.fromEntries(partitionKeys.map((key) => [key, 0])),
  };
}

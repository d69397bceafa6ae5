/**
 * The engine `patroni`: PostgreSQL servers, each managed by Patroni, with etcd, and with HAProxy and PgBouncer if the
 * scenario asks for them. Patroni starts the servers, chooses the primary, and rewinds a former primary.
 */

import { defineEngine, type FormedCluster, type FormOptions } from '../cluster/engine.ts';
import { EnvironmentError } from '../model/errors.ts';
import { dataNodes } from '../model/topology.ts';
import { memberNodes, placementOf } from './members.ts';
import { findPatroni } from './patroni/attached.ts';
import { PatroniCluster } from './patroni/cluster.ts';
import { expectPatroni } from './patroni/expect.ts';
import { patroniPrograms } from './patroni/programs.ts';
import { PATRONI_KEYS, patroniSpecOf } from './patroni/spec.ts';
import { loadTables } from './streaming/load.ts';
import { connectTo, refuseOld } from './streaming/sql.ts';

/** Counted from the first server that accepts SQL; publishing a synchronous standby takes two loops. */
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
  // Patroni publishes one address for each member.
  sharesAddresses: true,
  programsFor: (topology) => {
    const spec = patroniSpecOf(topology.own);
    if (!spec) throw new Error('the cluster is of another engine');
    return patroniPrograms(spec, dataNodes(topology));
  },
  layout: placementOf,
  form,
  inspect: ({ nodes, dataset, signal }) => findPatroni(nodes, dataset, signal),
  expect: expectPatroni,
});

async function form({ nodes: { all, beside = [] }, topology, dataset, signal }: FormOptions): Promise<FormedCluster> {
  const spec = patroniSpecOf(topology.own);
  if (!spec)
    throw new EnvironmentError('the engine "patroni" needs its own keys under cluster', { code: 'form-failed' });
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

/** Shared by the faults for clusters whose roles move. */

import type { Manager } from '../cluster/manager.ts';
import type { NodeControl } from '../cluster/platform.ts';
import type { Roles } from '../model/roles.ts';
import { withoutEffect } from './each-target.ts';
import type { StruckCluster } from './fault.ts';
import { askOnce } from './own-sessions.ts';

const TIMELINE = `('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int`;

/** @throws EnvironmentError if the cluster has no manager. */
export function managerOf(node: Pick<NodeControl, 'name'>, { manager }: StruckCluster): Manager {
  if (manager) return manager;
  throw withoutEffect(node, 'no manager decides the roles of this cluster');
}

/** The current roles of all nodes. */
export async function rolesOf(
  node: Pick<NodeControl, 'name'>,
  { roles }: StruckCluster,
  signal: AbortSignal,
): Promise<Roles> {
  if (roles) return await roles(signal);
  throw withoutEffect(node, 'the roles of this cluster do not move');
}

/** The timeline that a node writes; `undefined` for a standby. */
export async function writtenTimeline(node: NodeControl): Promise<number | undefined> {
  const [row] = await askOnce(node, `SELECT CASE WHEN NOT pg_is_in_recovery() THEN ${TIMELINE} END`);
  return row?.[0] === null ? undefined : Number(row?.[0]);
}

export async function isStandby(node: NodeControl): Promise<boolean> {
  return (await writtenTimeline(node)) === undefined;
}

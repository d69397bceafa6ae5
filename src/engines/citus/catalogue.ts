/** Reads the Citus catalogue of an attached cluster: its nodes, and how many placements each holds. */

import type { ListedNode } from '../../cluster/engine.ts';
import type { Session } from '../../sql/session.ts';
import { COORDINATOR } from '../sharded.ts';

const LIMIT_MS = 5_000;

const IS_CITUS = "SELECT to_regclass('pg_dist_node') IS NOT NULL AND to_regclass('pg_dist_placement') IS NOT NULL";
/** The coordinator is group 0. A placement belongs to a group: a worker and its standbys, if it has any. */
const READ_NODES = `
  SELECT nodename, nodeport, groupid = 0, isactive,
         (SELECT count(*)::int FROM pg_dist_placement AS placement WHERE placement.groupid = node.groupid)
    FROM pg_dist_node AS node ORDER BY groupid, nodeid`;

/** @returns an empty list if the server has no such catalogue. */
export async function listedNodes(session: Session): Promise<readonly ListedNode[]> {
  const [found] = await session.query(IS_CITUS, [], { timeoutMs: LIMIT_MS });
  if (found?.[0] !== true) return [];
  const rows = await session.query(READ_NODES, [], { timeoutMs: LIMIT_MS });
  return rows.map(([host, port, first, active, placements]) => ({
    host: String(host),
    port: Number(port),
    role: `${first === true ? COORDINATOR : 'worker'}${active === true ? '' : ', not active'}`,
    placements: Number(placements),
  }));
}

/** The roles of nodes: fixed in some clusters, moving from node to node in others. Plain values. */

import type { NodeName } from './topology.ts';

/** Roles that move; pgquake asks the cluster for them again and again. */
export const MOVING_ROLES = ['primary', 'standby', 'sync-standby'] as const;

/**
 * - `primary`: takes writes. `standby`: replays another node's log. `sync-standby`: a standby that commits wait for,
 *   alone or in a quorum.
 */
export type MovingRole = (typeof MOVING_ROLES)[number];

/** A node's answer about its role. */
export interface SeenRole {
  /** `unknown` if it did not answer. */
  readonly role: MovingRole | 'unknown';
  /** The timeline of its log; each promotion starts a new one. */
  readonly timeline?: number;
  /** The end of its log, `0/3000148`: flushed by a primary, received by a standby. */
  readonly receivedLsn?: string;
  /** `streaming`, `not streaming`, or why it did not answer. */
  readonly state?: string;
}

/** Every node of a cluster whose roles move. */
export type Roles = Readonly<Record<NodeName, SeenRole>>;

/** Whether a role, timeline or state differs; LSNs do not count. */
export function rolesDiffer(a: Roles | undefined, b: Roles): boolean {
  const names = Object.keys({ ...a, ...b });
  return names.some((name) => {
    const [before, after] = [a?.[name], b[name]];
    return before?.role !== after?.role || before?.timeline !== after?.timeline || before?.state !== after?.state;
  });
}

/** The nodes that have a role, in the order of the cluster. A `sync-standby` is also a `standby`. */
export function nodesInRole(roles: Roles, wanted: MovingRole): NodeName[] {
  return Object.entries(roles)
    .filter(([, { role }]) => role === wanted || (wanted === 'standby' && role === 'sync-standby'))
    .map(([name]) => name);
}

/** What nodes do: some do the same for good, in other clusters it moves from node to node. Plain values. */

import type { NodeName } from './topology.ts';

/** Roles that move: which node has one is asked of the cluster, again and again. */
export const MOVING_ROLES = ['primary', 'standby', 'sync-standby'] as const;

/**
 * - `primary`: takes writes. `standby`: replays the log of another node and takes none. `sync-standby`: a standby that a
 *   commit waits for, alone or as one of a quorum.
 */
export type MovingRole = (typeof MOVING_ROLES)[number];

/** One node, as it answered when it was asked for its role. */
export interface SeenRole {
  /** `unknown` where it did not answer. */
  readonly role: MovingRole | 'unknown';
  /** Of its log: each promotion starts a new one. */
  readonly timeline?: number;
  /** How far its log goes, `0/3000148`: what a primary has flushed, what a standby has received. */
  readonly receivedLsn?: string;
  /** In a word or two: `streaming`, `not streaming`, or why it did not answer. */
  readonly state?: string;
}

/** Every node of a cluster whose roles move. */
export type Roles = Readonly<Record<NodeName, SeenRole>>;

/** Whether a role, a timeline or a state differs; how far logs go does not count. */
export function rolesDiffer(a: Roles | undefined, b: Roles): boolean {
  const names = Object.keys({ ...a, ...b });
  return names.some((name) => {
    const [before, after] = [a?.[name], b[name]];
    return before?.role !== after?.role || before?.timeline !== after?.timeline || before?.state !== after?.state;
  });
}

/** The nodes that have a role now, in the order of the cluster. A `sync-standby` is a standby too. */
export function nodesInRole(roles: Roles, wanted: MovingRole): NodeName[] {
  return Object.entries(roles)
    .filter(([, { role }]) => role === wanted || (wanted === 'standby' && role === 'sync-standby'))
    .map(([name]) => name);
}

/** What remains of a Patroni cluster after a loss: primary, standbys, DCS, and the links between them. Pure. */

import type { Lost } from '../../model/loss.ts';
import { nodesInRole, type Roles } from '../../model/roles.ts';
import type { NodeName } from '../../model/topology.ts';

/** A route by which clients write. */
export interface PatroniRoute {
  readonly name: string;
  /** Nodes on the route, such as a proxy; none by default. */
  readonly through?: readonly NodeName[];
}

export interface PatroniCluster {
  /** The role of every member. */
  readonly roles: Roles;
  readonly dcs: readonly NodeName[];
  /** The routes that take writes. */
  readonly routes: readonly PatroniRoute[];
}

export interface Situation {
  readonly primary: NodeName;
  /** The worst loss of the primary, apart from its links to others. */
  readonly ofPrimary: Exclude<Lost, { readonly what: 'links' | 'manager' }> | undefined;
  /** Patroni does not replace a primary. */
  readonly paused: boolean;
  /** Standbys whose server and agent are running. */
  readonly standbys: readonly NodeName[];
  /** The standbys among them that commits wait for. */
  readonly synchronous: readonly NodeName[];
  /** A standby that commits wait for has become silent, and the primary still counts it as connected. */
  readonly silentStandby: boolean;
  /** Less than a majority of the DCS is running. */
  readonly dcsDown: boolean;
  readonly cut: {
    readonly fromDcs: boolean;
    readonly fromStandbys: 'none' | 'some' | 'all';
    /** The cut-off standbys include one that commits wait for. */
    readonly fromSynchronous: boolean;
    readonly fromClients: boolean;
  };
  /** Routes through lost nodes. */
  readonly brokenRoutes: ReadonlySet<string>;
}

/** @returns `undefined` if there is no primary. */
export function situationOf({ roles, dcs, routes }: PatroniCluster, lost: readonly Lost[]): Situation | undefined {
  const [primary] = nodesInRole(roles, 'primary');
  if (primary === undefined) return undefined;
  const isGone = (node: NodeName) =>
    lost.some((one) => one.node === node && (one.what === 'node' || one.what === 'server' || isAlone(one)));
  const agentGone = (node: NodeName) => lost.some((one) => one.node === node && one.what === 'agent');
  const all = nodesInRole(roles, 'standby');
  const synchronous = nodesInRole(roles, 'sync-standby');
  const standbys = all.filter((node) => !isGone(node) && !agentGone(node));
  const unreached = unreachedBy(lost, primary);
  const reaches = (nodes: readonly NodeName[]) => nodes.filter((node) => !unreached.has(node));
  const reached = reaches(standbys).length;
  return {
    primary,
    ofPrimary: worstOf(lost, primary),
    paused: lost.some(({ what }) => what === 'manager'),
    standbys,
    synchronous: synchronous.filter((node) => standbys.includes(node)),
    silentStandby: synchronous.some((node) =>
      lost.some((one) => one.node === node && (('how' in one && one.how === 'frozen') || isAlone(one))),
    ),
    dcsDown: !isMajority(dcs.filter((node) => !isGone(node)).length, dcs.length),
    cut: {
      fromDcs: unreached.size > 0 && !isMajority(reaches(dcs).length, dcs.length),
      fromStandbys: reached === standbys.length ? 'none' : reached === 0 ? 'all' : 'some',
      fromSynchronous: synchronous.some((node) => unreached.has(node)),
      fromClients: lost.some((one) => one.node === primary && isAlone(one)),
    },
    brokenRoutes: new Set(routes.filter(({ through = [] }) => through.some(isGone)).map(({ name }) => name)),
  };
}

function isMajority(nodes: number, of: number): boolean {
  return of === 0 || nodes > of / 2;
}

/** Whether the loss cuts a node off from clients too. */
function isAlone(lost: Lost): boolean {
  return lost.what === 'links' && lost.clients === true;
}

/** The nodes that `node` cannot reach. */
function unreachedBy(lost: readonly Lost[], node: NodeName): ReadonlySet<NodeName> {
  return new Set(
    lost.flatMap((one) => {
      if (one.what !== 'links') return [];
      if (one.node === node) return one.from;
      return one.from.includes(node) ? [one.node] : [];
    }),
  );
}

const WORST_FIRST = ['node', 'server', 'postmaster', 'agent', 'role'] as const;

function worstOf(lost: readonly Lost[], primary: NodeName): Situation['ofPrimary'] {
  for (const what of WORST_FIRST) {
    const found = lost.find((one) => one.node === primary && one.what === what);
    if (found && found.what !== 'links' && found.what !== 'manager') return found;
  }
  return undefined;
}

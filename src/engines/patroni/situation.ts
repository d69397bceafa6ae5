/** What a loss leaves of a cluster under Patroni: of its primary, its standbys, its DCS and the way between them. Pure. */

import type { Lost } from '../../model/loss.ts';
import { nodesInRole, type Roles } from '../../model/roles.ts';
import type { NodeName } from '../../model/topology.ts';

/** How clients write. */
export interface PatroniRoute {
  readonly name: string;
  /** Nodes that it passes, such as a proxy; none by default. */
  readonly through?: readonly NodeName[];
}

export interface PatroniCluster {
  /** What every member does. */
  readonly roles: Roles;
  readonly dcs: readonly NodeName[];
  /** Those that take writes. */
  readonly routes: readonly PatroniRoute[];
}

export interface Situation {
  readonly primary: NodeName;
  /** What the primary has lost, beside its ways to others; the worst of it. */
  readonly ofPrimary: Exclude<Lost, { readonly what: 'links' | 'manager' }> | undefined;
  /** Nobody replaces a primary. */
  readonly paused: boolean;
  /** Standbys that run and whose agent does. */
  readonly standbys: readonly NodeName[];
  /** Of those, the ones that commits wait for. */
  readonly synchronous: readonly NodeName[];
  /** A standby that commits wait for is gone without a word: its server still counts as connected. */
  readonly silentStandby: boolean;
  /** Fewer than a majority of the DCS run. */
  readonly dcsDown: boolean;
  readonly cut: {
    readonly fromDcs: boolean;
    readonly fromStandbys: 'none' | 'some' | 'all';
    /** The standbys that commits wait for are among those. */
    readonly fromSynchronous: boolean;
    readonly fromClients: boolean;
  };
  /** Routes through nodes that are gone. */
  readonly brokenRoutes: ReadonlySet<string>;
}

/** @returns `undefined` where there is no primary. */
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

/** Nobody reaches it. */
function isAlone(lost: Lost): boolean {
  return lost.what === 'links' && lost.clients === true;
}

/** The nodes to which one has no way. */
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

/** What faults take from a cluster: whole nodes, parts of them, or links between them. Plain values. */

import { nodesInRole, type Roles } from './roles.ts';
import type { NodeName, Purpose } from './topology.ts';

/**
 * - `node`: the machine, with everything on it. `server`: all of PostgreSQL on it. `agent`: the manager's process on
 *   it. `postmaster`: the process that accepts connections; open ones continue.
 */
export type NodePart = 'node' | 'server' | 'agent' | 'postmaster';

/** What a fault takes from each of its targets. */
export type Taken =
  | {
      readonly what: NodePart;
      /** `stopped`: an orderly shutdown, which closes connections. `frozen`: it resumes when the fault ends. */
      readonly how: 'killed' | 'stopped' | 'frozen';
    }
  /** Its links to all other nodes, to everybody (clients too), or to some nodes and roles. */
  | { readonly what: 'links'; readonly from: OtherSide }
  /** Its role, which it hands over to another node in order. */
  | { readonly what: 'role' }
  /** The cluster's manager, which would replace a lost primary. */
  | { readonly what: 'manager' };

/** Names of nodes, or words for the nodes that have a role or a purpose when the fault strikes. */
export type OtherSide = 'nodes' | 'everybody' | readonly string[];

/** Words that stand for nodes: those with this role or purpose at that time. */
export const SIDES = ['primary', 'standbys', 'dcs'] as const;
export type Side = (typeof SIDES)[number];

/** What resolves such words to nodes. */
export interface Sides {
  /** Every node of the cluster, with its purpose if known. */
  readonly nodes: readonly { readonly name: NodeName; readonly part?: Purpose | undefined }[];
  /** Absent if roles do not move. */
  readonly roles?: Roles | undefined;
}

export function isSide(word: string): word is Side {
  return SIDES.some((side) => side === word);
}

/** The nodes that these names and words mean now, each once, in the order of the cluster. Pure. */
export function nodesOnSide(words: readonly string[], { nodes, roles = {} }: Sides): NodeName[] {
  const named = new Set(
    words.flatMap((word) => {
      if (!isSide(word)) return [word];
      if (word === 'dcs') return nodes.filter(({ part }) => part === 'dcs').map(({ name }) => name);
      return nodesInRole(roles, word === 'primary' ? 'primary' : 'standby');
    }),
  );
  return nodes.map(({ name }) => name).filter((name) => named.has(name));
}

export type Lost =
  | (Exclude<Taken, { readonly what: 'links' }> & { readonly node: NodeName })
  | {
      readonly what: 'links';
      readonly node: NodeName;
      readonly from: readonly NodeName[];
      /** Set if clients cannot reach it either. */
      readonly clients?: true;
    };

/** What one node loses to a fault. Pure. */
export function lostBy(taken: Taken, node: NodeName, sides: Sides): Lost {
  if (taken.what !== 'links') return { ...taken, node };
  const { from } = taken;
  const others = sides.nodes.map(({ name }) => name).filter((name) => name !== node);
  if (from === 'everybody') return { what: 'links', node, from: others, clients: true };
  return {
    what: 'links',
    node,
    from: from === 'nodes' ? others : nodesOnSide(from, sides).filter((name) => name !== node),
  };
}

/** `pg1 killed`, `the server of pg1 frozen`, `pg1 cut off from pg2 and pg3`. */
export function describeLost(lost: Lost): string {
  const { node } = lost;
  switch (lost.what) {
    case 'role':
      return `${node} hands over`;
    case 'manager':
      return 'the manager paused';
    case 'links':
      return `${node} cut off from ${lost.clients ? 'everybody' : listed(lost.from)}`;
    case 'node':
      return `${node} ${lost.how}`;
    default:
      return `the ${lost.what} of ${node} ${lost.how}`;
  }
}

/** `pg1`, `pg1 and pg2`, `pg1, pg2 and pg3`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

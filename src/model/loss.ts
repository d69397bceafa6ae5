/** What faults take away from a cluster: whole nodes, parts of them, or the way between them. Plain values. */

import { nodesInRole, type Roles } from './roles.ts';
import type { NodeName, Purpose } from './topology.ts';

/**
 * - `node`: the machine, with all that runs on it. `server`: all of PostgreSQL on it, and nothing else. `agent`: the
 *   manager's own process on it. `postmaster`: the process that accepts connections; those that are open go on.
 */
export type NodePart = 'node' | 'server' | 'agent' | 'postmaster';

/** What a fault takes away from each of its targets. */
export type Taken =
  | {
      readonly what: NodePart;
      /** `stopped`: in order, so that it says goodbye. `frozen`: it goes on where it was when the fault ends. */
      readonly how: 'killed' | 'stopped' | 'frozen';
    }
  /** The way between it and all other nodes, everybody (clients too), or some nodes and roles. */
  | { readonly what: 'links'; readonly from: OtherSide }
  /** Its role, in order: another node takes it over. */
  | { readonly what: 'role' }
  /** Of the whole cluster: whoever replaces a lost primary. */
  | { readonly what: 'manager' };

/** Names of nodes, or words for those that have a role or a purpose when the fault strikes. */
export type OtherSide = 'nodes' | 'everybody' | readonly string[];

/** Words for nodes, in the place of their names: whoever is one at that time. */
export const SIDES = ['primary', 'standbys', 'dcs'] as const;
export type Side = (typeof SIDES)[number];

/** What such words are told by. */
export interface Sides {
  /** Every node of the cluster, with what it is for good where that is known. */
  readonly nodes: readonly { readonly name: NodeName; readonly part?: Purpose | undefined }[];
  /** Absent where roles do not move. */
  readonly roles?: Roles | undefined;
}

export function isSide(word: string): word is Side {
  return SIDES.some((side) => side === word);
}

/** The nodes that these names and words come to now, each once, in the order of the cluster. Pure. */
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

/** One thing that one node has lost. */
export type Lost =
  | (Exclude<Taken, { readonly what: 'links' }> & { readonly node: NodeName })
  | {
      readonly what: 'links';
      readonly node: NodeName;
      readonly from: readonly NodeName[];
      /** Clients do not reach it either. */
      readonly clients?: true;
    };

/** What one node loses. Pure. */
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

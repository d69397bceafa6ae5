/** How a client gets to the data. A route is asked for its addresses again and again: nodes come back elsewhere. */

import type { Address } from '../model/address.ts';
import type { Accepts, ConnectOptions } from '../sql/hosts.ts';
import type { Session } from '../sql/session.ts';
import type { NodeControl } from './platform.ts';

export interface Route {
  /** `coordinator`, `direct`. */
  readonly name: string;
  readonly access: 'read' | 'write';
  /** Which of its servers a session may go to; any by default. */
  readonly accepts?: Accepts;
  /**
   * Where the route leads now, in the order in which a client tries.
   * @throws what the platform says where a node cannot be looked at.
   */
  addresses(): Promise<readonly Address[]>;
}

/** Straight to one node, wherever it is and whatever it does. */
export function nodeRoute(node: NodeControl): Route {
  return { name: node.name, access: 'write', addresses: async () => [await addressOf(node)] };
}

/** A client that knows all nodes and takes the first that accepts what it wants, as libpq does. */
export function directRoute(name: string, nodes: readonly NodeControl[], accepts: Exclude<Accepts, 'any'>): Route {
  return {
    name,
    access: accepts === 'read-write' ? 'write' : 'read',
    accepts,
    addresses: () => Promise.all(nodes.map(addressOf)),
  };
}

/** The way of whatever names none: the first that takes writes. */
export function mainRoute(routes: Readonly<Record<string, Route>>): Route {
  const found = Object.values(routes).find(({ access }) => access === 'write');
  if (!found) throw new Error('a cluster has a route that takes writes');
  return found;
}

/** @throws as `connectToFirst`. */
export async function connectBy(route: Route, options: ConnectOptions): Promise<Session> {
  const { connectToFirst } = await import('../sql/hosts.ts');
  return connectToFirst(await route.addresses(), route.accepts ?? 'any', options);
}

async function addressOf(node: NodeControl): Promise<Address> {
  await node.locate?.();
  return node.address();
}

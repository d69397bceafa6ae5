/** How a client reaches the data. Its addresses may change, so pgquake asks for them repeatedly. */

import type { Address } from '../model/address.ts';
import type { Accepts, ConnectOptions } from '../sql/hosts.ts';
import type { Session } from '../sql/session.ts';
import type { NodeControl } from './platform.ts';

export interface Route {
  /** `coordinator`, `direct`. */
  readonly name: string;
  readonly access: 'read' | 'write';
  /** The kind of server that a session may use; any by default. */
  readonly accepts?: Accepts;
  /**
   * Its current addresses, in the order in which a client tries them.
   * @throws the platform's error where it cannot inspect a node.
   */
  addresses(): Promise<readonly Address[]>;
}

/** Leads to one node, whatever its address and role. */
export function nodeRoute(node: NodeControl): Route {
  return { name: node.name, access: 'write', addresses: async () => [await addressOf(node)] };
}

/** Leads to the first node that accepts what the client wants, as a libpq client with several hosts does. */
export function directRoute(name: string, nodes: readonly NodeControl[], accepts: Exclude<Accepts, 'any'>): Route {
  return {
    name,
    access: accepts === 'read-write' ? 'write' : 'read',
    accepts,
    addresses: () => Promise.all(nodes.map(addressOf)),
  };
}

/** The route of operations that name none: the first that accepts writes. */
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

/** How a client gets to the data. A route is asked for its address again and again: nodes come back elsewhere. */

import type { Address } from '../model/address.ts';
import type { Nodes } from './platform.ts';

export interface Route {
  /** `coordinator`. */
  readonly name: string;
  readonly access: 'read' | 'write';
  /**
   * Where the route leads now.
   * @throws what the platform says where the node cannot be looked at.
   */
  address(): Promise<Address>;
}

/** Every statement goes through the coordinator, wherever it is. */
export function coordinatorRoute({ coordinator }: Pick<Nodes, 'coordinator'>): Route {
  return {
    name: coordinator.name,
    access: 'write',
    async address() {
      await coordinator.locate?.();
      return coordinator.address();
    },
  };
}

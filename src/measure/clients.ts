/** The node where clients find the rows at the end. */

import { eventsOf, type History } from '../model/history.ts';
import { nodesInRole } from '../model/roles.ts';
import type { NodeName } from '../model/topology.ts';
import { placementOf } from './partitions.ts';

/** The node that every statement passes, else the last primary seen; `undefined` if there is neither. */
export function clientsNode(history: Pick<History, 'events'>): NodeName | undefined {
  const roles = eventsOf(history, 'roles-seen').at(-1)?.roles;
  return placementOf(history)?.entry ?? (roles && nodesInRole(roles, 'primary')[0]);
}

/** The main route, and which kinds of operation share a route. */

import { eventsOf, type History, type OperationKind } from '../model/history.ts';

/** The default route; `undefined` in older histories. */
export function mainRouteOf(history: Pick<History, 'events'>): string | undefined {
  return eventsOf(history, 'cluster-formed')[0]?.routes?.find(({ access }) => access === 'write')?.name;
}

/** Whether two kinds share a route. @param main as `mainRouteOf`; if unknown, all kinds do. */
export function onOneRoute(
  a: Pick<OperationKind, 'route'>,
  b: Pick<OperationKind, 'route'>,
  main: string | undefined,
): boolean {
  return main === undefined || (a.route ?? main) === (b.route ?? main);
}

/** Which kinds of operation go by one route. */

import { eventsOf, type History, type OperationKind } from '../model/history.ts';

/** The route of what names none; `undefined` in older histories. */
export function mainRouteOf(history: Pick<History, 'events'>): string | undefined {
  return eventsOf(history, 'cluster-formed')[0]?.routes?.find(({ access }) => access === 'write')?.name;
}

/** Whether two kinds go by one route. @param main as `mainRouteOf`; where it is unknown nobody can tell two apart. */
export function onOneRoute(
  a: Pick<OperationKind, 'route'>,
  b: Pick<OperationKind, 'route'>,
  main: string | undefined,
): boolean {
  return main === undefined || (a.route ?? main) === (b.route ?? main);
}

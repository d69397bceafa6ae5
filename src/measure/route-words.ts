/** What was seen by routes, in words: the same in every report. */

import type { RouteFigures, RouteLosses, ServiceWindow } from '../model/figures.ts';
import { formatCount, formatDuration } from '../model/units.ts';

/** `1.3 s ± 29 ms`, of the longest outage; `none`. */
export function outageWords({ windows }: Pick<RouteFigures, 'windows'>): string {
  const longest = windows
    .filter(({ type }) => type === 'outage')
    .reduce<ServiceWindow | undefined>((a, b) => (a && a.durationMs >= b.durationMs ? a : b), undefined);
  if (!longest) return 'none';
  const { durationMs, uncertaintyMs, open } = longest;
  return `${formatDuration(durationMs)} ± ${formatDuration(uncertaintyMs)}${open ? ', still on in the end' : ''}`;
}

/** `3 of 120 writes of the load`, `none of 240 of the probes`. */
export function lossWords({ load, probes }: RouteLosses): string {
  const of = (which: RouteLosses['load'], who: string) =>
    which === null
      ? []
      : [`${which.lost === 0 ? 'none' : which.lost} of ${formatCount(which.acknowledged, 'write')} of the ${who}`];
  return [...of(load, 'load'), ...of(probes, 'probes')].join(', ') || 'not read';
}

/** `writes out: direct 1.3 s ± 29 ms, proxy 4.4 s ± 20 ms`; nothing where there is but one route. */
export function routeLines(routes: readonly RouteFigures[]): (readonly [what: string, words: string])[] {
  return (['write', 'read'] as const).flatMap((access) => {
    const by = routes.filter((one) => one.access === access);
    if (by.length === 0) return [];
    const outages = by.map((one) => `${one.route} ${outageWords(one)}`).join(', ');
    const losses = by.flatMap(({ route, lost }) => (lost ? [`${route} ${lossWords(lost)}`] : []));
    const gone = losses.length === 0 ? '' : `; acknowledged and gone: ${losses.join('; ')}`;
    return [['routes', `${access}s out: ${outages}${gone}`] as const];
  });
}

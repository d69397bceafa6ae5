/** Describes what was seen by route; for all reports. */

import type { RouteFigures, RouteLosses, ServiceWindow } from '../model/figures.ts';
import { formatCount, formatDuration } from '../model/units.ts';

/** The longest outage, `1.3 s ± 29 ms`, or `none`. */
export function outageWords({ windows }: Pick<RouteFigures, 'windows'>): string {
  const longest = windows
    .filter(({ type }) => type === 'outage')
    .reduce<ServiceWindow | undefined>((a, b) => (a && a.durationMs >= b.durationMs ? a : b), undefined);
  if (!longest) return 'none';
  const { durationMs, uncertaintyMs, open } = longest;
  return `${formatDuration(durationMs)} ± ${formatDuration(uncertaintyMs)}${open ? ', still open at the end' : ''}`;
}

/** `3 of 120 writes of the load, none of 240 writes of the probes` */
export function lossWords({ load, probes }: RouteLosses): string {
  const of = (which: RouteLosses['load'], who: string) =>
    which === null
      ? []
      : [`${which.lost === 0 ? 'none' : which.lost} of ${formatCount(which.acknowledged, 'write')} of the ${who}`];
  return [...of(load, 'load'), ...of(probes, 'probes')].join(', ') || 'not read';
}

/** `writes out: direct 1.3 s ± 29 ms, proxy 4.4 s ± 20 ms` */
export function routeLines(routes: readonly RouteFigures[]): (readonly [what: string, words: string])[] {
  return (['write', 'read'] as const).flatMap((access) => {
    const by = routes.filter((one) => one.access === access);
    if (by.length === 0) return [];
    const outages = by.map((one) => `${one.route} ${outageWords(one)}`).join(', ');
    const losses = by.flatMap(({ route, lost }) => (lost ? [`${route} ${lossWords(lost)}`] : []));
    const gone = losses.length === 0 ? '' : `; acknowledged but lost: ${losses.join('; ')}`;
    return [['routes', `${access}s out: ${outages}${gone}`] as const];
  });
}

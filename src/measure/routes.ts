/** The figures of each route: windows, availability, latency, and lost acknowledged writes. */

import type { Availability, Latency, RouteFigures, ServiceWindow } from '../model/figures.ts';
import type { History, OperationKind, OperationLog } from '../model/history.ts';
import { Tally } from './availability.ts';
import { LatencyRecorder } from './latency.ts';
import { lostByRoute } from './lost-by-route.ts';
import { mainRouteOf } from './main-route.ts';
import type { Probed } from './probe-windows.ts';
import { spansOf } from './spans.ts';

/**
 * Each route in use, in the order of the load's kinds and then of the probes; empty in older histories. Probes count if
 * there are some, together with the load as in `windowsOfRun`.
 * @param windows of the load's kinds.
 */
export function routeFigures(
  history: History,
  windows: readonly ServiceWindow[],
  probed: readonly Probed[],
): RouteFigures[] {
  const main = mainRouteOf(history);
  if (main === undefined) return [];
  const { kinds, probes } = history.run;
  const pooled = probes.filter(({ connection }) => connection === 'pooled');
  const used = [...kinds, ...pooled].map(({ route = main }) => route);
  return [...new Set(used)].flatMap((route) =>
    (['read', 'write'] as const).flatMap((access): RouteFigures[] => {
      const by = <K extends OperationKind>(all: readonly K[]) =>
        all.find((kind) => kind.access === access && (kind.route ?? main) === route && kind.ratePerSecond > 0);
      const ofLoad = by(kinds.filter(({ scope }) => scope === 'partition')) ?? by(kinds);
      // Probes that were never sent show nothing.
      const ofProbes = by(pooled.filter((kind) => probed.some(({ name }) => name === kind.name)));
      const kind = ofProbes ?? ofLoad;
      if (!kind) return [];
      const seen = probed.find(({ name }) => name === ofProbes?.name);
      const whole = ofLoad
        ? windows.filter((window) => window.kind === ofLoad.name && window.partition === undefined)
        : (seen?.whole ?? []);
      return [
        {
          route,
          access,
          seenBy: ofProbes ? 'probes' : 'load',
          spacingMs: 1_000 / kind.ratePerSecond,
          windows: whole,
          ...countedIn(history, ofProbes ? history.probes : history.operations, kind),
          ...(access === 'write' ? { lost: lostByRoute(history, { route, main }) } : {}),
        },
      ];
    }),
  );
}

/** Counts and latency in the fault span. */
function countedIn(
  history: History,
  log: OperationLog,
  { name }: OperationKind,
): { readonly fault: Availability; readonly latency: Latency | null } {
  const span = spansOf(history).fault;
  const tally = new Tally();
  const latency = new LatencyRecorder();
  for (const { kind, outcome, intendedAt, settledAt } of log.scan()) {
    if (kind !== name || !span || intendedAt < span.fromMs || intendedAt > span.toMs) continue;
    tally.add(outcome);
    if (outcome === 'ok') latency.record(settledAt - intendedAt);
  }
  return { fault: tally.availability(), latency: latency.figures() ?? null };
}

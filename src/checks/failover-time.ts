/** How long the load's writes took to reach a new primary. */

import { z } from 'zod';
import { mainRouteOf } from '../measure/main-route.ts';
import { describeTakeover } from '../measure/role-words.ts';
import { roleFigures } from '../measure/roles.ts';
import { actsOf, spansOf } from '../measure/spans.ts';
import type { SeenMoment, Takeover } from '../model/figures.ts';
import type { History } from '../model/history.ts';
import { duration } from '../model/quantities.ts';
import { formatDuration } from '../model/units.ts';
import type { Finding } from '../model/verdict.ts';
import { defineCheck } from './check.ts';

const params = z.strictObject({
  max: duration.describe('The longest from the fault to the first write that the new primary acknowledged.'),
  route: z
    .string()
    .optional()
    .describe('The writes by this route alone; by default, by every route that the load or the probes write by.'),
});

export const failoverTime = defineCheck<z.output<typeof params>>({
  name: 'failover-time',
  summary: "How long the load's writes took, from the fault, to reach a new primary.",
  unknownWhen:
    'no roles were recorded; no fault took effect; no node took over; nothing was written by the route; the load stopped before `max` without reaching the new primary; or `max` lies within the uncertainty.',
  answers: 'outage',
  params,
  requires: ['roles'],
  needsKeptSchedule: 'whole-run',
  tells: 'figure',

  hopeless(_, { writes, faults }) {
    if (faults?.length === 0) return 'without a fault no node takes over';
    return writes === false ? 'this workload writes nothing' : undefined;
  },

  check(history, { max, route }) {
    const by = route === undefined ? '' : ` by route ${route}`;
    const expected = `writes${by} at a new primary within ${formatDuration(max)} of the fault`;
    const finding = judge(history, max, route);
    return { expected, ...finding };
  },
});

function judge(history: History, max: number, route: string | undefined): Omit<Finding, 'expected'> {
  const unknown = (observed: string) => ({ judgement: 'unknown' as const, observed, evidence: [] });
  const figures = roleFigures(history);
  if (!figures) return unknown('no roles were recorded in this run');
  const effectMs = actsOf(history).find((act) => act.effectMs !== undefined)?.effectMs;
  if (effectMs === undefined) return unknown('no fault took effect');
  const { takeovers } = figures;
  if (takeovers.length === 0) return unknown('no node took over');
  const evidence = takeovers.map(describeTakeover);
  const main = mainRouteOf(history);
  const reached = takeovers.flatMap((takeover) =>
    takeover.reached
      .filter((one) => route === undefined || (one.route ?? main) === route)
      .map((one) => ({ ...one, takeover })),
  );
  if (reached.length === 0) {
    const nobody = route === undefined ? 'the load writes nothing' : `nothing is written by route ${route}`;
    return { ...unknown(nobody), evidence };
  }
  const never = reached.find(({ moment }) => moment === null);
  if (never) return { ...neverReached(history, never, max), evidence };
  const times = reached.map(({ takeover, moment }) => timeOf(takeover, moment as SeenMoment));
  const longest = times.reduce((worst, one) => (one.atMostMs > worst.atMostMs ? one : worst));
  const observed = words(longest);
  if (times.some(({ atLeastMs }) => atLeastMs > max)) return { judgement: 'fail', observed, evidence };
  if (longest.atMostMs > max) {
    return { judgement: 'unknown', observed: `${observed}: the limit lies within the uncertainty`, evidence };
  }
  return { judgement: 'pass', observed, evidence };
}

interface FailoverTime {
  readonly takeover: Takeover;
  readonly atLeastMs: number;
  readonly atMostMs: number;
}

function timeOf(takeover: Takeover, { atMs, uncertaintyMs }: SeenMoment): FailoverTime {
  const atMostMs = Math.max(0, atMs - takeover.sinceMs);
  return { takeover, atLeastMs: Math.max(0, atMostMs - uncertaintyMs), atMostMs };
}

function words({ takeover: { from, to }, atLeastMs, atMostMs }: FailoverTime): string {
  const uncertainty = formatDuration(atMostMs - atLeastMs);
  return `writes reached ${to} instead of ${from} after ${formatDuration(atMostMs)} (up to ${uncertainty} earlier)`;
}

/** A run that ended before the limit does not show that the limit would have been missed. */
function neverReached(
  history: History,
  { kind, takeover: { to, sinceMs } }: { readonly kind: string; readonly takeover: Takeover },
  max: number,
): Pick<Finding, 'judgement' | 'observed'> {
  const spans = spansOf(history);
  const watchedMs = Math.max(0, ((spans.settle ?? spans.fault)?.toMs ?? 0) - sinceMs);
  const observed = `no ${kind} had reached ${to} when the load stopped, ${formatDuration(watchedMs)} after the fault`;
  return { judgement: watchedMs > max ? 'fail' : 'unknown', observed };
}

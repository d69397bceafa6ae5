/** Describes what was measured of roles; for evidence and for reports. */

import type { SeenMoment, Takeover, TwoPrimaries, TwoPrimariesSide } from '../model/figures.ts';
import type { NodeName } from '../model/topology.ts';
import { formatCount, formatDuration, formatMoment } from '../model/units.ts';

/**
 * `from 6.000 s to 7.952 s (at least ...): pg1 (timeline 1) acknowledged 40 rows, 40 of them lost (1:40, ...); pg2 ...`
 */
export function describeTwoPrimaries(pair: TwoPrimaries): string {
  const { fromMs, toMs, sides } = pair;
  return `from ${formatMoment(fromMs)} to ${formatMoment(toMs)} (${lengthOfTwo(pair)}): ${sides.map(describeSide).join('; ')}`;
}

/** `at least 1.95 s, at most 3.85 s` */
export function lengthOfTwo({ atLeastMs, atMostMs }: TwoPrimaries): string {
  if (atLeastMs === 0) return `at most ${formatDuration(atMostMs)}`;
  return `at least ${formatDuration(atLeastMs)}, at most ${formatDuration(atMostMs)}`;
}

function describeSide(side: TwoPrimariesSide): string {
  const { acknowledged, lost, rows } = side;
  const gone =
    lost === null ? ', not checked on the final primary' : lost > 0 ? `, ${lost} of them lost` : ', none lost';
  const more = Math.max(0, (lost || acknowledged) - rows.length);
  const which = rows.length === 0 ? '' : ` (${rows.join(', ')}${more > 0 ? `, and ${more} more` : ''})`;
  return `${nodeOnTimeline(side)} acknowledged ${formatCount(acknowledged, 'row')}${acknowledged === 0 ? '' : gone}${which}`;
}

/** `pg1 (timeline 1)` */
export function nodeOnTimeline({ node, timeline }: { readonly node: NodeName; readonly timeline?: number }): string {
  return timeline === undefined ? node : `${node} (timeline ${timeline})`;
}

/** The steps of a takeover, each with the time since its start: `first failed write`, `12 ms (up to 10 ms earlier)`. */
export function takeoverSteps(takeover: Takeover): (readonly [what: string, after: string])[] {
  const { sinceMs, failed, noticedMs, electedMs, promoted, reached } = takeover;
  const after = ({ atMs, uncertaintyMs }: SeenMoment) =>
    `${formatDuration(Math.max(0, atMs - sinceMs))} (up to ${formatDuration(uncertaintyMs)} earlier)`;
  return [
    ...(failed ? [['first failed write', after(failed)] as const] : []),
    ...(noticedMs === undefined ? [] : [['noticed', formatDuration(noticedMs - sinceMs)] as const]),
    ...(electedMs === undefined ? [] : [['elected', formatDuration(electedMs - sinceMs)] as const]),
    ['promoted', after(promoted)],
    ...reached.map(({ kind, route, moment }) => {
      const by = route === undefined ? kind : `${kind} by route ${route}`;
      return [`reached by ${by}`, moment ? after(moment) : 'never in this run'] as const;
    }),
  ];
}

/** `pg2 (timeline 2) replaced pg1: promoted 1.01 s (up to 50 ms earlier), ...` */
export function describeTakeover(takeover: Takeover): string {
  const { from, to, timeline } = takeover;
  const who = nodeOnTimeline({ node: to, ...(timeline === undefined ? {} : { timeline }) });
  const steps = takeoverSteps(takeover).map(([what, after]) => `${what} ${after}`);
  return `${who}${from === undefined ? '' : ` replaced ${from}`}: ${steps.join(', ')}`;
}

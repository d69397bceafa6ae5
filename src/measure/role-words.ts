/** What was measured of roles, in words: the same in evidence and in reports. */

import type { SeenMoment, Takeover, TwoPrimaries, TwoPrimariesSide } from '../model/figures.ts';
import type { NodeName } from '../model/topology.ts';
import { formatCount, formatDuration, formatMoment } from '../model/units.ts';

/** `from 6.000 s to 7.952 s: pg1 (timeline 1) acknowledged 40 rows, 40 of them gone (1:40, ...); pg2 ...`. */
export function describeTwoPrimaries(pair: TwoPrimaries): string {
  const { fromMs, toMs, sides } = pair;
  return `from ${formatMoment(fromMs)} to ${formatMoment(toMs)} (${lengthOfTwo(pair)}): ${sides.map(describeSide).join('; ')}`;
}

/** `1.95 s to 3.85 s`: at least, at most. */
export function lengthOfTwo({ atLeastMs, atMostMs }: TwoPrimaries): string {
  if (atLeastMs === 0) return `at most ${formatDuration(atMostMs)}`;
  return `at least ${formatDuration(atLeastMs)}, at most ${formatDuration(atMostMs)}`;
}

function describeSide(side: TwoPrimariesSide): string {
  const { acknowledged, lost, rows } = side;
  const gone =
    lost === null ? ', what became of them was not read' : lost > 0 ? `, ${lost} of them gone` : ', all there';
  const more = Math.max(0, (lost || acknowledged) - rows.length);
  const which = rows.length === 0 ? '' : ` (${rows.join(', ')}${more > 0 ? `, and ${more} more` : ''})`;
  return `${nodeOnTimeline(side)} acknowledged ${formatCount(acknowledged, 'row')}${acknowledged === 0 ? '' : gone}${which}`;
}

/** `pg1 (timeline 1)`. */
export function nodeOnTimeline({ node, timeline }: { readonly node: NodeName; readonly timeline?: number }): string {
  return timeline === undefined ? node : `${node} (timeline ${timeline})`;
}

/** `first failure after 12 ms ± 10 ms`, ..., from the start of a takeover. */
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

/** `pg2 (timeline 2) in the place of pg1: promoted 1.01 s, reached by write 1.21 s`. */
export function describeTakeover(takeover: Takeover): string {
  const { from, to, timeline } = takeover;
  const who = nodeOnTimeline({ node: to, ...(timeline === undefined ? {} : { timeline }) });
  const steps = takeoverSteps(takeover).map(([what, after]) => `${what} ${after}`);
  return `${who}${from === undefined ? '' : ` in the place of ${from}`}: ${steps.join(', ')}`;
}

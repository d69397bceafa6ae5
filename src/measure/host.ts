/** The load of pgquake's machine, and the times in which it was overloaded. */

import type { EventOf, TimedEvent } from '../model/event.ts';
import type { HostFigures, TimeRange } from '../model/figures.ts';
import { eventsOf, type History } from '../model/history.ts';
import { formatShare } from '../model/units.ts';
import { spansOf } from './spans.ts';
import { partsOutside } from './time-ranges.ts';

/** With twice as many tasks as processors, each gets half of the time that it needs. */
const TASKS_PER_PROCESSOR = 2;
/** Below this, tasks waited for something other than processors. */
const BUSY_SHARE = 0.9;
/**
 * The share of time in which a task waits for a processor, if the kernel reports it. Background work at low priority
 * stays below it.
 */
const WAITING_SHARE = 0.85;
/** Processor time stolen by other machines: as much as the load may be late. */
const STOLEN_SHARE = 0.1;

/** The samples taken while the load ran; `undefined` if there are none. */
export function hostFigures(history: Pick<History, 'events' | 'run'>): HostFigures | undefined {
  const { processors } = history.run.machine ?? {};
  const range = loadRange(history);
  if (processors === undefined || !range) return undefined;
  const within = eventsOf(history, 'host').filter(({ at, forMs }) => at > range.fromMs && at - forMs < range.toMs);
  if (within.length === 0) return undefined;
  const samples = within.map(({ type: _, at, forMs, ...sample }) => ({
    fromMs: at - forMs,
    toMs: at,
    ...sample,
    ...starvedBy(sample, processors),
  }));
  const sampledMs = samples.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const starvedMs = samples.reduce((sum, { fromMs, toMs, starved }) => sum + (starved ? toMs - fromMs : 0), 0);
  return { processors, sampledMs, starvedMs, samples };
}

/** The times under load that no sample covers. */
export function unsampledRanges({ samples }: HostFigures, range: TimeRange): TimeRange[] {
  return partsOutside(range, samples);
}

/** The times in which the machine was starved, or may have been, in order. */
export function doubtfulRanges(host: HostFigures, range: TimeRange): TimeRange[] {
  const starved = host.samples.flatMap(({ fromMs, toMs, starved: why }) =>
    why === undefined ? [] : [{ fromMs, toMs }],
  );
  return [...starved, ...unsampledRanges(host, range)].toSorted((a, b) => a.fromMs - b.fromMs);
}

/** From the ramp until the load stopped; an overloaded run has only its ramp. */
export function loadRange(history: Pick<History, 'events'>): TimeRange | undefined {
  const ofRamp = (event: TimedEvent) => 'phase' in event && event.phase === 'ramp';
  const ramp = history.events.filter(ofRamp).map(({ at }) => at);
  const spans = Object.values(spansOf(history)).flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  const moments = [...ramp, ...spans];
  return moments.length === 0 ? undefined : { fromMs: Math.min(...moments), toMs: Math.max(...moments) };
}

type Sample = Pick<EventOf<'host'>, 'busy' | 'stolen' | 'runnable' | 'pressure'>;

function starvedBy(
  { busy, stolen, runnable = 0, pressure = {} }: Sample,
  processors: number,
): { readonly starved?: string } {
  if (stolen >= STOLEN_SHARE) return { starved: `${formatShare(stolen)} of the processor time stolen` };
  const { cpu: waiting = 1 } = pressure;
  if (busy < BUSY_SHARE || waiting < WAITING_SHARE || runnable < TASKS_PER_PROCESSOR * processors) return {};
  return { starved: `${runnable.toFixed(1)} tasks for ${processors} processors` };
}

/**
 * Combines the windows of probes and load. Probes see borders to the millisecond, but use their own table, so only the
 * load sees a fault of one table, role or route. The worse of the two counts: an outage or brownout that only the load
 * saw counts; if both saw it, the probes give its borders. Their disagreement is a figure. Pure.
 */

import type { Figures, ServiceWindow, SourceDisagreement, SourceFigures, TimeRange } from '../model/figures.ts';
import { formatDuration } from '../model/units.ts';
import { partsOutside, touches } from './time-ranges.ts';

/**
 * How far matching windows of both sources may differ: the load's pooled connections need a moment to reconnect, and
 * its operations are timed by their intended starts.
 */
const SLACK_MS = 500;

/** The windows that count. `added`: those that only the load saw. */
export interface CountingWindows {
  readonly windows: readonly ServiceWindow[];
  readonly added: readonly ServiceWindow[];
}

/** Lays outages over windows: an outage absorbs outages that it touches, and cuts brownouts. */
export function overlay(windows: readonly ServiceWindow[], outages: readonly ServiceWindow[]): ServiceWindow[] {
  let told: ServiceWindow[] = [...windows];
  for (const added of outages) {
    const touching = told.filter((window) => window.type === 'outage' && touches(window, added));
    const whole = touching.reduce(union, added);
    told = [
      ...told
        .filter((window) => !touching.includes(window))
        .flatMap((window) => (window.type === 'brownout' ? clipped(window, [whole]) : [window])),
      whole,
    ];
  }
  return told.sort((a, b) => a.fromMs - b.fromMs);
}

/** The outages that extend beyond the known ranges by more than their uncertainty. */
export function notIn(outages: readonly ServiceWindow[], known: readonly TimeRange[]): ServiceWindow[] {
  return outages.filter((outage) => uncoveredMs(outage, known) > Math.min(outage.uncertaintyMs, outage.durationMs / 2));
}

/** The worse of what probes and load saw. */
export function worseOf(probes: readonly ServiceWindow[], load: readonly ServiceWindow[]): CountingWindows {
  const outages = notIn(load.filter(isOutage), padded(probes.filter(isOutage)));
  const withOutages = overlay(probes, outages);
  const brownouts = load
    .filter((window) => window.type === 'brownout')
    .flatMap((brownout) => {
      const alone = !padded(withOutages).some((window) => touches(window, brownout));
      if (alone && brownout.failed > 0) return [brownout];
      return clipped(brownout, withOutages).filter(({ durationMs }) => durationMs > SLACK_MS);
    });
  return {
    windows: [...withOutages, ...brownouts].sort((a, b) => a.fromMs - b.fromMs),
    added: [...outages, ...brownouts],
  };
}

/** What probes and load saw of one kind as a whole. */
export interface Compared {
  readonly kind: string;
  readonly probes: readonly ServiceWindow[];
  readonly load: readonly ServiceWindow[];
  readonly added: readonly ServiceWindow[];
  /** Between operations of the load: a shorter outage may fall between two. */
  readonly loadSpacingMs: number;
  readonly counts: { readonly probes: Counts; readonly load: Counts };
}

export interface Counts {
  readonly ok: number;
  readonly tried: number;
}

/** How the two disagree; `undefined` if they agree to within half a second. */
export function disagreementOf(compared: Compared): SourceDisagreement | undefined {
  const { kind, probes, load, added, loadSpacingMs, counts } = compared;
  const figures = { probes: figuresOf(probes, counts.probes), load: figuresOf(load, counts.load) };
  if (added.some((window) => window.type === 'outage' || window.durationMs > SLACK_MS)) {
    return { kind, toldBy: 'load', ...figures };
  }
  const confirmed = padded(load);
  const alone = probes.filter(isOutage).reduce((sum, outage) => sum + uncoveredMs(outage, confirmed), 0);
  return alone > SLACK_MS + 2 * loadSpacingMs ? { kind, toldBy: 'probes', ...figures } : undefined;
}

/** `probes and load disagree on reads: ...`, for one kind; empty if they agree. */
export function disagreementWords({ disagreements = [] }: Figures, of: string): string[] {
  return disagreements.filter(({ kind }) => kind === of).map(describeDisagreement);
}

export function describeDisagreement({ kind, toldBy, probes, load }: SourceDisagreement): string {
  const saw = ({ outageMs, brownoutMs, ok, tried }: SourceFigures) => {
    const lasting = [
      ...(outageMs > 0 ? [`an outage of ${formatDuration(outageMs)}`] : []),
      ...(brownoutMs > 0 ? [`a brownout of ${formatDuration(brownoutMs)}`] : []),
    ];
    return `${lasting.join(' and ') || 'no outage'} (${ok} of ${tried} ok during the fault)`;
  };
  const worse = toldBy === 'load' ? 'the load' : 'the probes';
  return (
    `probes and load disagree on ${kind}s: the load saw ${saw(load)}, the probes ${saw(probes)}; ` +
    `what ${worse} saw counts, because it is worse`
  );
}

function figuresOf(windows: readonly ServiceWindow[], { ok, tried }: Counts): SourceFigures {
  const lasted = (type: ServiceWindow['type']) =>
    windows.reduce((sum, window) => sum + (window.type === type ? window.durationMs : 0), 0);
  return { outageMs: lasted('outage'), brownoutMs: lasted('brownout'), ok, tried };
}

function isOutage({ type }: ServiceWindow): boolean {
  return type === 'outage';
}

function union(a: ServiceWindow, b: ServiceWindow): ServiceWindow {
  const fromMs = Math.min(a.fromMs, b.fromMs);
  const toMs = Math.max(a.toMs, b.toMs);
  const open = [a, b].some((window) => window.open && window.toMs === toMs);
  const { open: _, ...rest } = a;
  return {
    ...rest,
    fromMs,
    toMs,
    durationMs: toMs - fromMs,
    uncertaintyMs: Math.max(a.uncertaintyMs, b.uncertaintyMs),
    ...(open ? { open: true } : {}),
    failed: Math.max(a.failed, b.failed),
  };
}

function padded(ranges: readonly TimeRange[]): TimeRange[] {
  return ranges.map(({ fromMs, toMs }) => ({ fromMs: fromMs - SLACK_MS, toMs: toMs + SLACK_MS }));
}

function uncoveredMs(range: TimeRange, by: readonly TimeRange[]): number {
  return partsOutside(range, by).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

/** The parts of a brownout outside other windows. They keep the counts of the whole. */
function clipped(brownout: ServiceWindow, others: readonly TimeRange[]): ServiceWindow[] {
  const left = partsOutside(brownout, others);
  const [only] = left;
  if (left.length === 1 && only?.fromMs === brownout.fromMs && only.toMs === brownout.toMs) return [brownout];
  return left.map((part) => {
    const { open: _, ...rest } = brownout;
    return {
      ...rest,
      ...part,
      durationMs: part.toMs - part.fromMs,
      ...(brownout.open && part.toMs === brownout.toMs ? { open: true as const } : {}),
    };
  });
}

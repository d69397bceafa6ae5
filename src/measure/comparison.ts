/** What changed from one run to another, and whether that is worse than chance and tolerance explain. Pure. */

import { partitionWordOf } from '../model/partition-words.ts';
import type { LedgerFigures, Report } from '../model/report.ts';
import { dataNodes, holderWord } from '../model/topology.ts';
import { formatCount, formatDuration, formatShare } from '../model/units.ts';
import type { CheckResult, Judgement } from '../model/verdict.ts';

export interface ComparisonTolerance {
  /** How much longer a time may be, as a share of what it was: 0.2 for 20 %. */
  readonly time: number;
  /** How much availability may fall, from 0 to 1. */
  readonly share: number;
}

export type Direction = 'better' | 'worse' | 'same' | 'changed';

export interface ComparedFigure {
  /** `availability of read during the fault`. */
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /** `same` also where the difference is within the tolerance; `changed` where neither is better. */
  readonly direction: Direction;
}

export interface Comparison {
  readonly before: string;
  readonly after: string;
  readonly figures: readonly ComparedFigure[];
  /** Why the two can hardly be compared, if so: other scenarios, clusters, loads. */
  readonly differences: readonly string[];
  readonly regression: boolean;
}

/** A time below this is noise of any machine. */
const TIME_FLOOR_MS = 10;
const BADNESS: Readonly<Record<Judgement, number>> = { pass: 0, unknown: 1, fail: 2 };

export function compareReports(before: Report, after: Report, tolerance: ComparisonTolerance): Comparison {
  const figures = [
    judgements('verdict', before.judgement, after.judgement),
    ...checks(before, after),
    ...service(before, after, tolerance),
    ...data(before, after),
  ];
  return {
    before: before.run.id,
    after: after.run.id,
    figures,
    differences: differencesOf(before, after),
    regression: figures.some(({ direction }) => direction === 'worse'),
  };
}

function judgements(what: string, before: Judgement, after: Judgement): ComparedFigure {
  return { what, before, after, direction: less(BADNESS[before], BADNESS[after]) };
}

/** A smaller number is better. */
function less(before: number, after: number): Direction {
  return after === before ? 'same' : after < before ? 'better' : 'worse';
}

function checks(before: Report, after: Report): ComparedFigure[] {
  const key = ({ check, params }: CheckResult) => {
    const written = Object.entries(params).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    return `check ${check}${written.length === 0 ? '' : ` (${written.join(', ')})`}`;
  };
  const was = new Map(before.results.map((result) => [key(result), result.judgement]));
  const is = new Map(after.results.map((result) => [key(result), result.judgement]));
  return [...new Set([...was.keys(), ...is.keys()])].map((what) => {
    const [old, now] = [was.get(what), is.get(what)];
    if (old !== undefined && now !== undefined) return judgements(what, old, now);
    return { what, before: old ?? 'not made', after: now ?? 'not made', direction: 'changed' };
  });
}

interface Duration {
  readonly ms: number | null;
  readonly uncertaintyMs: number;
}

function service(before: Report, after: Report, tolerance: ComparisonTolerance): ComparedFigure[] {
  const kinds = after.run.kinds.map(({ name }) => name).filter((name) => before.run.kinds.some((k) => k.name === name));
  return kinds.flatMap((kind) => {
    const shares = [before, after].map(({ figures }) => shareOf(figures, kind));
    const p99 = [before, after].map(({ figures }) => p99Of(figures, kind));
    const outages = [before, after].map(({ figures }) => outageOf(figures, kind));
    const recoveries = [before, after].map(({ figures }) => recoveryOf(figures, kind));
    return [
      ...both(shares, (old, now) => ({
        what: `availability of ${kind} during the fault`,
        before: formatShare(old),
        after: formatShare(now),
        direction: Math.abs(now - old) <= tolerance.share ? 'same' : less(-old, -now),
      })),
      ...both(p99, (old, now) => times(`p99 of ${kind} during the fault`, old, now, tolerance)),
      ...both(outages, (old, now) => times(`outage of ${kind}`, old, now, tolerance)),
      ...both(recoveries, (old, now) => times(`recovery of ${kind}`, old, now, tolerance)),
    ];
  });
}

function both<T>(
  [before, after]: readonly (T | undefined)[],
  compare: (before: T, after: T) => ComparedFigure,
): ComparedFigure[] {
  return before === undefined || after === undefined ? [] : [compare(before, after)];
}

function shareOf({ availability }: Report['figures'], wanted: string): number | undefined {
  return availability.find(({ kind, span }) => kind === wanted && span === 'fault')?.figures.share ?? undefined;
}

function p99Of({ latency }: Report['figures'], wanted: string): Duration | undefined {
  const found = latency.find(({ kind, span }) => kind === wanted && span === 'fault');
  return found && { ms: found.figures.p99Ms, uncertaintyMs: 0 };
}

/** Of the kind as a whole; none is 0 ms, where there was load at all. */
function outageOf({ windows, availability }: Report['figures'], wanted: string): Duration | undefined {
  if (!availability.some(({ kind }) => kind === wanted)) return undefined;
  const own = windows.filter(
    ({ kind, type, partition }) => kind === wanted && type === 'outage' && partition === undefined,
  );
  return {
    ms: own.reduce((sum, { durationMs }) => sum + durationMs, 0),
    uncertaintyMs: own.reduce((sum, { uncertaintyMs }) => sum + uncertaintyMs, 0),
  };
}

function recoveryOf({ recovery }: Report['figures'], wanted: string): Duration | undefined {
  const found = recovery.find(({ kind }) => kind === wanted);
  return found && { ms: found.recoveryMs, uncertaintyMs: found.uncertaintyMs };
}

function times(what: string, before: Duration, after: Duration, tolerance: ComparisonTolerance): ComparedFigure {
  const words = ({ ms }: Duration) => (ms === null ? 'not within the run' : formatDuration(ms));
  const [old, now] = [before.ms ?? Number.POSITIVE_INFINITY, after.ms ?? Number.POSITIVE_INFINITY];
  const uncertaintyMs = before.uncertaintyMs + after.uncertaintyMs;
  const chanceMs = Math.max(TIME_FLOOR_MS, uncertaintyMs, Math.min(old, now) * tolerance.time);
  const same = old === now || Math.abs(now - old) <= chanceMs;
  return { what, before: words(before), after: words(after), direction: same ? 'same' : less(old, now) };
}

/**
 * One message more that was lost is one too many: there is no tolerance. Unproven is worse than proven. Nothing is
 * compared where one of the two accounts for no rows.
 */
function data({ ledger: before }: Report, { ledger: after }: Report): ComparedFigure[] {
  if (!before || !after) return [];
  const counts = [
    ['lost messages', (ledger) => ledger.lost.count],
    ['stale reads', (ledger) => ledger.staleReads.count],
    ['duplicated rows', (ledger) => ledger.duplicated.count],
    ['corrupted rows', (ledger) => ledger.corrupted.count],
    ['unexpected rows', (ledger) => ledger.unexpected?.count ?? 0],
    ['resurrected writes', (ledger) => ledger.resurrected?.count ?? 0],
  ] as const satisfies readonly (readonly [string, (ledger: LedgerFigures) => number])[];
  const proven = ({ finalReads }: LedgerFigures) => (finalReads ? 'made' : 'not made');
  return [
    {
      what: 'final reads',
      before: proven(before),
      after: proven(after),
      direction: less(Number(!before.finalReads), Number(!after.finalReads)),
    },
    ...counts.map(([what, of]) => {
      const [old, now] = [of(before), of(after)];
      return {
        what,
        before: old.toLocaleString('en-US'),
        after: now.toLocaleString('en-US'),
        direction: less(old, now),
      };
    }),
  ];
}

function differencesOf(before: Report, after: Report): string[] {
  const cluster = ({ topology: { platform, engine, nodes, partitions, partitionWord, replication } }: Report) =>
    `${platform ?? 'no platform'}, ${engine ?? 'no engine'}, ${formatCount(dataNodes({ nodes }).length, holderWord({ nodes }))}, ${formatCount(partitions, partitionWordOf(partitionWord))}, ${replication} copies`;
  const load = ({ run }: Report) => run.kinds.map(({ name, ratePerSecond }) => `${name} ${ratePerSecond}/s`).join(', ');
  const acts = (report: Report) =>
    report.acts
      .map(({ fault, targets, forMs }) => `${fault} ${targets.join(', ')} for ${formatDuration(forMs)}`)
      .join('; ');
  const compared: readonly (readonly [string, (report: Report) => string])[] = [
    ['scenario', ({ run }) => run.scenario],
    ['cluster', cluster],
    ['load', load],
    ['faults', acts],
    ['pgquake', ({ run }) => run.pgquakeVersion],
  ];
  return compared.flatMap(([what, of]) =>
    of(before) === of(after) ? [] : [`${what}: ${of(before) || 'none'} before, ${of(after) || 'none'} after`],
  );
}

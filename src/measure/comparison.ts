/**
 * Compares a run with earlier ones, and separates regressions from chance and tolerance: shares by the interval of their
 * difference, the rest by the range of the earlier runs. Pure.
 */

import { partitionWordOf } from '../model/partition-words.ts';
import type { LedgerFigures, Report } from '../model/report.ts';
import { differenceInterval, runsNeeded, type Tries } from '../model/share-interval.ts';
import { dataNodes, holderWord } from '../model/topology.ts';
import { formatCount, formatDuration, formatShare } from '../model/units.ts';
import { BADNESS, type CheckResult, type Judgement } from '../model/verdict.ts';

export interface ComparisonTolerance {
  /** How much longer a time may be, as a share of the earlier one: 0.2 for 20 %. */
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
  /** `same` includes differences within tolerance or chance; `changed`: neither is better. */
  readonly direction: Direction;
  /** Set if the difference is beyond tolerance but may be chance: how many runs of each would show it. */
  readonly runsNeeded?: number;
}

export interface Comparison {
  readonly before: string;
  readonly after: string;
  readonly figures: readonly ComparedFigure[];
  /** What makes the comparison doubtful: different scenarios, clusters, loads. */
  readonly differences: readonly string[];
  readonly regression: boolean;
}

/** Differences below this are noise on any machine. */
const TIME_FLOOR_MS = 10;

/** @param before earlier runs, one or more, the oldest first. */
export function compareReports(
  before: readonly [Report, ...Report[]],
  after: Report,
  tolerance: ComparisonTolerance,
): Comparison {
  const last = before.at(-1) as Report;
  const figures = [
    judgements(
      'verdict',
      before.map(({ judgement }) => judgement),
      after.judgement,
    ),
    ...checks(before, after),
    ...service(before, after, tolerance),
    ...data(before, after),
  ];
  return {
    before: before.length === 1 ? last.run.id : `${before.length} runs, the last ${last.run.id}`,
    after: after.run.id,
    figures,
    differences: differencesOf(last, after),
    regression: figures.some(({ direction }) => direction === 'worse'),
  };
}

function judgements(what: string, before: readonly Judgement[], after: Judgement): ComparedFigure {
  const direction = beyond(
    before.map((judgement) => BADNESS[judgement]),
    BADNESS[after],
  );
  return { what, before: [...new Set(before)].join(', '), after, direction };
}

/** Compares with the range of the earlier values. Smaller is better. */
function beyond(before: readonly number[], after: number, chance = 0): Direction {
  if (after > Math.max(...before) + chance) return 'worse';
  return after < Math.min(...before) - chance ? 'better' : 'same';
}

function checks(before: readonly Report[], after: Report): ComparedFigure[] {
  const key = ({ check, params }: CheckResult) => {
    const written = Object.entries(params).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    return `check ${check}${written.length === 0 ? '' : ` (${written.join(', ')})`}`;
  };
  const was = Map.groupBy(
    before.flatMap(({ results }) => results),
    key,
  );
  const is = new Map(after.results.map((result) => [key(result), result.judgement]));
  return [...new Set([...was.keys(), ...is.keys()])].map((what) => {
    const [old, now] = [was.get(what)?.map(({ judgement }) => judgement), is.get(what)];
    if (old !== undefined && now !== undefined) return judgements(what, old, now);
    return { what, before: old?.[0] ?? 'not made', after: now ?? 'not made', direction: 'changed' };
  });
}

interface Duration {
  readonly ms: number | null;
  readonly uncertaintyMs: number;
}

function service(before: readonly Report[], after: Report, tolerance: ComparisonTolerance): ComparedFigure[] {
  const kinds = after.run.kinds
    .map(({ name }) => name)
    .filter((name) => before.every(({ run }) => run.kinds.some((kind) => kind.name === name)));
  return kinds.flatMap((kind) => {
    const all = <T>(of: (figures: Report['figures'], kind: string) => T | undefined) => ({
      before: before.flatMap(({ figures }) => of(figures, kind) ?? []),
      after: of(after.figures, kind),
    });
    return [
      ...both(all(triesOf), (old, now) => shares(`availability of ${kind} during the fault`, old, now, tolerance)),
      ...both(all(p99Of), (old, now) => times(`p99 of ${kind} during the fault`, old, now, tolerance)),
      ...both(all(outageOf), (old, now) => times(`outage of ${kind}`, old, now, tolerance)),
      ...both(all(recoveryOf), (old, now) => times(`recovery of ${kind}`, old, now, tolerance)),
    ];
  });
}

function both<T>(
  { before, after }: { readonly before: readonly T[]; readonly after: T | undefined },
  compare: (before: readonly T[], after: T) => ComparedFigure,
): ComparedFigure[] {
  return before.length === 0 || after === undefined ? [] : [compare(before, after)];
}

const partOf = ({ count, of }: Tries) => count / of;

/** Worse only if neither the sample size nor the range of the earlier runs explains it. */
function shares(what: string, before: readonly Tries[], after: Tries, tolerance: ComparisonTolerance): ComparedFigure {
  const pooled = before.reduce((sum, { count, of }) => ({ count: sum.count + count, of: sum.of + of }));
  const [old, now] = [partOf(pooled), partOf(after)];
  const told = { what, before: formatShare(old), after: formatShare(now) };
  if (Math.abs(now - old) <= tolerance.share) return { ...told, direction: 'same' };
  const { low, high } = differenceInterval(pooled, after);
  if (low <= 0 && high >= 0) {
    const each = Math.min(after.of, pooled.of / before.length);
    const needed = runsNeeded(pooled, after, each);
    return { ...told, direction: 'same', ...(needed === undefined ? {} : { runsNeeded: needed }) };
  }
  return {
    ...told,
    direction: beyond(
      before.map((tries) => -partOf(tries)),
      -now,
    ),
  };
}

/** Without the operations that the client did not send. */
function triesOf({ availability }: Report['figures'], wanted: string): Tries | undefined {
  const found = availability.find(({ kind, span }) => kind === wanted && span === 'fault')?.figures;
  if (!found || found.share === null) return undefined;
  const of = found.intended - found.unsent;
  return of > 0 ? { count: found.share * of, of } : undefined;
}

function p99Of({ latency }: Report['figures'], wanted: string): Duration | undefined {
  const found = latency.find(({ kind, span }) => kind === wanted && span === 'fault');
  return found && { ms: found.figures.p99Ms, uncertaintyMs: 0 };
}

/** Of the kind as a whole; 0 ms without an outage, if there was load. */
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

/** Worse if beyond the range of the earlier runs by more than uncertainty, tolerance and noise. */
function times(
  what: string,
  before: readonly Duration[],
  after: Duration,
  tolerance: ComparisonTolerance,
): ComparedFigure {
  const words = (ms: number) => (Number.isFinite(ms) ? formatDuration(ms) : 'not within the run');
  const value = ({ ms }: Duration) => ms ?? Number.POSITIVE_INFINITY;
  const old = before.map(value).sort((a, b) => a - b);
  const [least, most, now] = [old[0] as number, old.at(-1) as number, value(after)];
  const uncertaintyMs = Math.max(...before.map((duration) => duration.uncertaintyMs)) + after.uncertaintyMs;
  const floorMs = Math.max(TIME_FLOOR_MS, uncertaintyMs);
  const chanceMs = Math.max(floorMs, Math.min(now > most ? most : least, now) * tolerance.time);
  const range = least === most ? words(most) : `${words(least)} to ${words(most)}`;
  return { what, before: range, after: words(now), direction: now === most ? 'same' : beyond(old, now, chanceMs) };
}

/**
 * No tolerance here: one more lost message than in any earlier run is a regression, and so is a missing final read.
 * Empty if one of the runs does not account for its rows.
 */
function data(earlier: readonly Report[], { ledger: after }: Report): ComparedFigure[] {
  const before = earlier.flatMap(({ ledger }) => ledger ?? []);
  if (before.length < earlier.length || !after) return [];
  const counts = [
    ['lost messages', (ledger) => ledger.lost.count],
    ['stale reads', (ledger) => ledger.staleReads.count],
    ['duplicated rows', (ledger) => ledger.duplicated.count],
    ['corrupted rows', (ledger) => ledger.corrupted.count],
    ['unexpected rows', (ledger) => ledger.unexpected?.count ?? 0],
    ['resurrected writes', (ledger) => ledger.resurrected?.count ?? 0],
  ] as const satisfies readonly (readonly [string, (ledger: LedgerFigures) => number])[];
  const proven = (ledgers: readonly LedgerFigures[]) =>
    ledgers.every(({ finalReads }) => finalReads) ? 'made' : 'not made';
  const unproven = ({ finalReads }: LedgerFigures) => Number(!finalReads);
  const words = (numbers: readonly number[]) =>
    [...new Set([Math.min(...numbers), Math.max(...numbers)])].map((n) => n.toLocaleString('en-US')).join(' to ');
  return [
    {
      what: 'final reads',
      before: proven(before),
      after: proven([after]),
      direction: beyond(before.map(unproven), unproven(after)),
    },
    ...counts.map(([what, of]) => ({
      what,
      before: words(before.map(of)),
      after: words([of(after)]),
      direction: beyond(before.map(of), of(after)),
    })),
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

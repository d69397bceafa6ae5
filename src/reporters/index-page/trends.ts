/** The availability, recovery time and p99 of each scenario from run to run, as values. */

import type { IndexedKind, IndexedReport, IndexedRun } from '../../model/run-index.ts';
import { formatDuration, formatShare } from '../../model/units.ts';
import type { Judgement } from '../../model/verdict.ts';

export interface TrendPoint {
  /** 0 for the oldest run shown. */
  readonly x: number;
  /** `Infinity` for what was not reached within the run. */
  readonly value: number;
  readonly judgement: Judgement;
  /** The point in words. */
  readonly told: string;
}

export interface Trend {
  readonly title: string;
  /** The number of runs that it covers. */
  readonly runs: number;
  readonly unit: 'share' | 'ms';
  readonly kinds: readonly { readonly kind: string; readonly points: readonly TrendPoint[] }[];
}

interface ScenarioTrends {
  readonly scenario: string;
  readonly runs: number;
  readonly charts: readonly Trend[];
}

/** With more runs, points would overlap. */
const MAX_RUNS = 60;

const FIGURES: readonly {
  readonly title: string;
  readonly unit: Trend['unit'];
  readonly of: (kind: IndexedKind) => number | undefined;
}[] = [
  { title: 'Availability during the fault', unit: 'share', of: ({ share }) => share ?? undefined },
  {
    title: 'Recovery time',
    unit: 'ms',
    of: ({ recoveryMs }) => (recoveryMs === null ? Number.POSITIVE_INFINITY : recoveryMs),
  },
  { title: 'p99 during the fault', unit: 'ms', of: ({ p99Ms }) => p99Ms ?? undefined },
];

/** Trends of every scenario with at least two runs, by name. @param runs newest first. */
export function trendsOf(runs: readonly IndexedRun[]): ScenarioTrends[] {
  const reported = runs.flatMap(({ id, report }) => (report ? [{ id, report }] : []));
  return [...Map.groupBy(reported, ({ report }) => report.scenario)]
    .filter(([, ofScenario]) => ofScenario.length > 1)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([scenario, ofScenario]) => {
      const shown = ofScenario.slice(0, MAX_RUNS).reverse();
      const charts = FIGURES.map((figure) => trendOf(figure, shown)).filter(({ kinds }) => kinds.length > 0);
      return { scenario, runs: shown.length, charts };
    });
}

function trendOf(
  { title, unit, of }: (typeof FIGURES)[number],
  runs: readonly { readonly id: string; readonly report: IndexedReport }[],
): Trend {
  const words = (value: number) => (unit === 'share' ? formatShare(value) : formatDuration(value));
  const names = [...new Set(runs.flatMap(({ report }) => report.kinds.map(({ kind }) => kind)))];
  const kinds = names.map((name) => ({
    kind: name,
    points: runs.flatMap(({ id, report: { kinds: own, judgement, cluster } }, x) => {
      const found = own.find(({ kind }) => kind === name);
      const value = found && of(found);
      return value === undefined
        ? []
        : [{ x, value, judgement, told: `${name} ${words(value)}, ${judgement}: ${id} (${cluster})` }];
    }),
  }));
  return { title, unit, runs: runs.length, kinds: kinds.filter(({ points }) => points.length > 0) };
}

/** What the index of all runs keeps of each run: a line in a table and a point in a trend. */

import { z } from 'zod';
import type { Report } from './report.ts';

/** Raised when an entry's format changes; pgquake then rebuilds older indexes. */
export const RUN_INDEX_VERSION = 1;

const kind = z.object({
  kind: z.string(),
  share: z.number().nullable().describe('Availability during the fault, from 0 to 1; null if nothing was intended.'),
  p99Ms: z.number().nullable().describe('During the fault; null if nothing succeeded.'),
  recoveryMs: z
    .number()
    .nullable()
    .exactOptional()
    .describe('From the fault in effect; null: not within the run; absent if no fault took effect.'),
});

const report = z.object({
  scenario: z.string(),
  startedAt: z.string().describe('ISO 8601 in UTC.'),
  judgement: z.enum(['pass', 'fail', 'unknown']),
  finding: z.string(),
  cluster: z.string().describe('`local, native`.'),
  durationMs: z.number(),
  kinds: z.array(kind),
});

export const indexedRunSchema = z.object({
  id: z.string().describe("The name of the run's folder."),
  report: report.exactOptional(),
  problem: z
    .string()
    .exactOptional()
    .describe('Why there is no report: the run is still going on, was killed, or its folder is damaged.'),
});

export type IndexedKind = z.output<typeof kind>;
export type IndexedReport = z.output<typeof report>;
export type IndexedRun = z.output<typeof indexedRunSchema>;

export function indexedReport({ run, judgement, finding, topology, durationMs, figures }: Report): IndexedReport {
  const { platform = 'no platform', engine = 'no engine' } = topology;
  return {
    scenario: run.scenario,
    startedAt: run.startedAt,
    judgement,
    finding,
    cluster: `${platform}, ${engine}`,
    durationMs,
    kinds: run.kinds.map(({ name }) => {
      const during = <T>(all: readonly { kind: string; span: string; figures: T }[]) =>
        all.find(({ kind, span }) => kind === name && span === 'fault')?.figures;
      const recovery = figures.recovery.find(({ kind }) => kind === name);
      return {
        kind: name,
        share: during(figures.availability)?.share ?? null,
        p99Ms: during(figures.latency)?.p99Ms ?? null,
        ...(recovery ? { recoveryMs: recovery.recoveryMs } : {}),
      };
    }),
  };
}

/** Newest first; a run without a report by the time in its folder's name. */
export function newestFirst(runs: readonly IndexedRun[]): IndexedRun[] {
  const time = ({ id, report }: IndexedRun) => (report?.startedAt ?? id).slice(0, 19).replaceAll(':', '-');
  return runs.toSorted((a, b) => compare(time(b), time(a)) || compare(b.id, a.id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Runs without a fault, one after the other: 100 % available, not one window, not one finding. What a run of the
 * scenario `control` finds is pgquake's own noise. `node bench/control.ts [runs]`
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../src/model/report.ts';
import { formatShare } from '../src/model/units.ts';
import { pgquake } from '../src/pgquake.ts';
import { closing } from './figures.ts';

const quake = pgquake();
const runs = Number(process.argv[2] ?? 10);
const reportsFolder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));

/** What a report found, in words; empty where it found nothing. */
function findings({ figures, ledger, results }: Report): string[] {
  const counted = Object.entries(ledger ?? {}).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && value.count > 0 ? [`${name} ${value.count}`] : [],
  );
  return [
    ...results.filter(({ judgement }) => judgement !== 'pass').map(({ check, observed }) => `${check}: ${observed}`),
    ...figures.windows.map(({ type, kind, durationMs }) => `${type} of ${kind} for ${durationMs.toFixed(0)} ms`),
    ...figures.errors.map(({ count, kind, code }) => `${count} errors of ${kind}: ${code}`),
    ...counted,
  ];
}

try {
  const shipped = await quake.load('control');
  const scenario = { ...shipped, cluster: { ...shipped.cluster, platform: 'local', engine: 'native' } as const };
  let withFindings = 0;
  let worstShare = 1;
  for (let run = 1; run <= runs; run++) {
    const { report } = await quake.run(scenario, { seed: run, reports: reportsFolder });
    for (const { figures } of report.figures.availability) worstShare = Math.min(worstShare, figures.share ?? 0);
    const found = findings(report);
    if (found.length > 0) withFindings++;
    const operations = report.figures.availability.reduce((sum, { figures }) => sum + figures.intended, 0);
    console.log(`run ${run}: ${report.judgement}, ${operations} operations, ${found.join('; ') || 'nothing found'}`);
  }
  console.log(`availability at least ${formatShare(worstShare)} in every run, span and kind`);
  closing([
    { what: 'runs with a finding', figure: withFindings, goal: 0 },
    { what: 'availability in per cent', figure: 100 * worstShare, goal: 100, atLeast: true },
  ]);
} finally {
  rmSync(reportsFolder, { recursive: true, force: true });
}

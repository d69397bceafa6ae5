/** A run stored with report.json version 1: everything that reads stored runs still reads it. */

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareReports } from '../../src/measure/comparison.ts';
import { reportJsonSchema } from '../../src/model/report-schema.ts';
import { pgquake } from '../../src/pgquake.ts';
import { parsePlacement } from '../../src/plan/tolerance/placement-input.ts';
import { readReport } from '../../src/store.ts';
import { reportOfNow } from '../../src/version-1.ts';

const STORED = join(import.meta.dirname, '../histories/version-1');
const quake = pgquake();
const stored = JSON.parse(readFileSync(join(STORED, 'report.json'), 'utf8'));

let reports: string;
let run: string;

beforeEach(() => {
  reports = mkdtempSync(join(tmpdir(), 'pgquake-version-1-'));
  run = join(reports, stored.run.id);
  cpSync(STORED, run, { recursive: true });
});

afterEach(() => rmSync(reports, { recursive: true }));

const written = () => JSON.parse(readFileSync(join(run, 'report.json'), 'utf8'));

test('the fixture is of version 1', () => {
  expect(stored).toMatchObject({ version: 1, judgement: 'pass', topology: { platform: 'local', engine: 'native' } });
});

test('judge finds the same, and writes version 2', async () => {
  const report = await quake.judge(run);
  expect(report.results.map(({ check, judgement }) => [check, judgement])).toEqual(
    stored.results.map(({ check, judgement }: { check: string; judgement: string }) => [check, judgement]),
  );
  expect(written()).toMatchObject({ version: 2, judgement: 'pass', ledger: stored.ledger });
});

test('report renders it, and writes version 2', async () => {
  expect(await quake.report(run)).toContain('report.html');
  expect(written()).toEqual({ ...(reportOfNow(stored) as object), version: 2 });
  expect(new Ajv2020({ strict: false }).validate(reportJsonSchema(), written())).toBe(true);
});

test('compare compares it with another', async () => {
  const before = await readReport(run);
  await quake.judge(run);
  const { regression } = compareReports([before], await readReport(run), { time: 0.2, share: 0.001 });
  expect(regression).toBe(false);
});

test('the index lists it', async () => {
  const [entry] = await quake.index(reports);
  expect(entry).toMatchObject({ id: stored.run.id, report: { judgement: 'pass' } });
});

test('tolerance takes its placement', () => {
  const { engine, placement } = parsePlacement(readFileSync(join(run, 'report.json'), 'utf8'), 'report.json');
  expect(engine).toBe('native');
  expect(placement.partitions).toMatchObject([
    { name: 'A', copies: ['worker1', 'worker2'] },
    { name: 'B', copies: ['worker2', 'worker1'] },
  ]);
});

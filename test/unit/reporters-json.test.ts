/** report.json: valid against the published schema, exact, and readable. */

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { reportJsonSchema, reportSchema } from '../../src/model/report-schema.ts';
import { json } from '../../src/reporters/json.ts';
import { emptyReport, failedReport, hostileReport, passedReport } from '../support/sample-report.ts';

const file = readFileSync(new URL('../../schema/report.schema.json', import.meta.url), 'utf8');
const published = JSON.parse(file) as Record<string, unknown>;
const ajv = new Ajv2020({ strict: true, allErrors: true });
formats.default(ajv);
const validate = ajv.compile(published);

const text = (report: Report) => json.render(report)['report.json'] as string;

const REPORTS = { passedReport, failedReport, emptyReport, hostileReport };

describe('schema/report.schema.json', () => {
  test('is what the schema in the code generates (npm run schema writes it)', () => {
    expect(file).toBe(`${JSON.stringify(reportJsonSchema(), null, 2)}\n`);
  });

  test.each(Object.entries(REPORTS))('accepts %s', (_, report) => {
    validate(JSON.parse(text(report)));
    expect(validate.errors).toBeNull();
  });

  test.each(Object.entries(REPORTS))('knows every property of %s', (_, report) => {
    const parsed = JSON.parse(text(report)) as unknown;
    // Properties that the schema does not know would be left out.
    expect(reportSchema.parse(parsed)).toEqual(parsed);
  });

  test.each([
    ['another version', (report: Record<string, unknown>) => ({ ...report, version: 3 })],
    ['an unknown judgement', (report: Record<string, unknown>) => ({ ...report, judgement: 'passed' })],
    ['a missing part', ({ ledger: _, ...report }: Record<string, unknown>) => report],
  ])('refuses %s', (_, change) => {
    expect(validate(change(JSON.parse(text(passedReport)) as Record<string, unknown>))).toBe(false);
  });

  test('accepts what a later edition of the same version adds', () => {
    expect(validate({ ...JSON.parse(text(passedReport)), added: 1 })).toBe(true);
  });
});

describe('report.json', () => {
  test('says what the report says, times to the microsecond', () => {
    const expected = { ...passedReport, durationMs: 16_204.331 };
    expect(JSON.parse(text(passedReport))).toEqual(JSON.parse(JSON.stringify(expected)));
  });

  test('never rounds a share up to 1', () => {
    const [first] = passedReport.figures.availability;
    const share = 0.999_999_999_9;
    const report = {
      ...passedReport,
      figures: { ...passedReport.figures, availability: [{ ...first, figures: { ...first?.figures, share } }] },
    } as Report;
    expect(JSON.parse(text(report)).figures.availability[0].figures.share).toBe(share);
  });

  test('keeps short records on a line of their own', () => {
    const lines = text(passedReport).split('\n');
    expect(lines).toContain(
      '      { "second": 4, "kind": "write", "ok": 38, "failed": 12, "p50Ms": 2.4, "p99Ms": 61, "maxMs": 97.3 }',
    );
    expect(lines).toContain('    { "index": 0, "name": "A", "copies": ["worker1", "worker2"] },');
    expect(text(passedReport).endsWith('}\n')).toBe(true);
  });

  test('holds no control character, whatever servers said', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(text(hostileReport)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

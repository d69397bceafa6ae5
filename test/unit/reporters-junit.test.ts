/** junit.xml: what CI servers read; unknown is never a pass, and nobody's text becomes markup. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import type { Report } from '../../src/model/report.ts';
import { junit } from '../../src/reporters/junit.ts';
import { emptyReport, failedReport, hostileReport, passedReport } from '../support/sample-report.ts';

const schema = readFileSync(new URL('../support/junit.xsd', import.meta.url), 'utf8');
const text = (report: Report) => junit.render(report)['junit.xml'] as string;
const validate = (contents: string) => validateXML({ xml: [{ fileName: 'junit.xml', contents }], schema: [schema] });

const REPORTS = { passedReport, failedReport, emptyReport, hostileReport };

describe('junit.xml', () => {
  test.each(Object.entries(REPORTS))('of %s is what the readers accept', async (_, report) => {
    expect((await validate(text(report))).errors).toEqual([]);
  });

  test('the schema of this test refuses what no reader knows', async () => {
    const changed = text(passedReport).replace('<testcase ', '<testcase line="16" ');
    expect((await validate(changed)).errors.length).toBeGreaterThan(0);
  });

  test.each(Object.entries(REPORTS))('%s: a test case for each check, and the verdict in the counts', (_, report) => {
    const count = (judgement: string) => report.results.filter((result) => result.judgement === judgement).length;
    const xml = text(report);
    const counts = `tests="${report.results.length}" failures="${count('fail')}" errors="${count('unknown')}"`;
    expect(xml.split(counts)).toHaveLength(3);
    expect(xml.match(/<testcase /g)).toHaveLength(report.results.length);
    expect(xml.match(/<failure /g) ?? []).toHaveLength(count('fail'));
    expect(xml.match(/<error /g) ?? []).toHaveLength(count('unknown'));
  });

  test('a failure says what was expected and observed, with evidence and the line of the scenario', () => {
    expect(text(failedReport)).toContain(
      [
        '    <testcase name="no-lost-writes" classname="pgquake.too-hopeful">',
        '      <failure message="2 of 421 acknowledged writes lost (expected: every acknowledged write and every ' +
          'initial message found by the final reads)" type="no-lost-writes">expected: every acknowledged write and ' +
          'every initial message found by the final reads',
        'observed: 2 of 421 acknowledged writes lost',
        '- 1:207 lost: room 6, shard B, acknowledged at 4.098 s',
        '- 1:211 lost: room 10, shard B, acknowledged at 4.117 s',
        'at scenarios/too-hopeful.yaml:10</failure>',
      ].join('\n'),
    );
  });

  test('checks of one kind are told apart by what the scenario demands', () => {
    expect(text(passedReport)).toContain('name="availability (of: read, during: fault, min: 99%)"');
    for (const report of Object.values(REPORTS)) {
      const names = [...text(report).matchAll(/<testcase name="([^"]*)"/g)].map(([, name]) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('the same report gives the same file', () => {
    expect(text(structuredClone(failedReport))).toBe(text(failedReport));
  });

  test('hostile text is shown and does nothing', () => {
    const xml = text(hostileReport);
    expect(xml).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(xml.match(/<[a-z-]+/g)?.filter((tag) => tag === '<script')).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(xml).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

/** What GitHub Actions is told: the scenario's line, the reason, and never a command of somebody else's. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openGithub } from '../../src/cli/github.ts';
import type { Report } from '../../src/model/report.ts';
import type { CheckResult } from '../../src/model/verdict.ts';
import { githubAnnotations, githubSummary } from '../../src/reporters/github.ts';
import { verdictJson } from '../../src/reporters/verdict-json.ts';
import { emptyReport, failedReport, HOSTILE, hostileReport, passedReport } from '../support/sample-report.ts';

const HERE = { root: '/work/project', folder: '/work/project' };
const REPORTS = { passedReport, failedReport, emptyReport, hostileReport };

describe('annotations', () => {
  test('point at the line of the scenario, with what was seen and expected', () => {
    const line = githubAnnotations(failedReport, HERE).find((text) => text.includes('no-lost-writes'));
    expect(line).toMatch(
      /^::error file=scenarios\/too-hopeful\.yaml,line=10,title=pgquake%3A too-hopeful%3A no-lost-writes::2 of 421 acknowledged writes lost \(expected: .*\)%0A1:207 lost: room 6/,
    );
  });

  test('one for each check that did not pass: error for a failure, warning for what could not be judged', () => {
    const counted = (report: Report) => githubAnnotations(report, HERE).map((line) => /^::(\w+) /.exec(line)?.[1]);
    for (const report of [failedReport, emptyReport]) {
      const judgements = report.results.map(({ judgement }) => judgement).filter((judgement) => judgement !== 'pass');
      expect(counted(report)).toEqual(judgements.map((judgement) => (judgement === 'fail' ? 'error' : 'warning')));
    }
    expect(counted(passedReport)).toEqual(['notice']);
  });

  test('name files from the repository’s top; what lies outside of it cannot be pointed at', () => {
    const [, inner] = githubAnnotations(failedReport, { root: '/work', folder: '/work/project' });
    expect(inner).toContain('file=project/scenarios/too-hopeful.yaml,');
    const [, outer] = githubAnnotations(failedReport, { root: '/else', folder: '/work/project' });
    expect(outer).not.toContain('file=');
  });

  test('tell two checks of one name apart, in the summary too', () => {
    const [first] = failedReport.results.filter(({ judgement }) => judgement === 'fail');
    const results = ['read', 'write'].map((of) => ({ ...first, check: 'outage', params: { of } }) as CheckResult);
    const report = { ...failedReport, results };
    const titles = githubAnnotations(report, HERE).map((line) => /title=([^:]*)::/.exec(line)?.[1]);
    expect(titles).toEqual(['read', 'write'].map((of) => `pgquake%3A too-hopeful%3A outage of%3A ${of}`));
    expect(githubSummary(report)).toMatch(/outage of: read.*outage of: write/s);
  });

  test('hostile text stays within its annotation', () => {
    const results = hostileReport.results.map((result) => ({
      ...result,
      judgement: 'fail' as const,
      check: `x::error,file=y:${HOSTILE}`,
      evidence: ['a\n::add-mask::b\r\n100%'],
    }));
    for (const line of githubAnnotations({ ...hostileReport, results }, HERE)) {
      expect(line.split('\n')).toHaveLength(1);
      expect(line).toMatch(/^::error (file=[^:,]+,line=\d+,)?title=[^:,]+::/);
      expect(line).toContain('%0Aa ::add-mask::b 100%25');
    }
  });
});

describe('the summary of a step', () => {
  test.each(Object.entries(REPORTS))('of %s has verdict, finding and what did not pass', (name, report) => {
    const text = githubSummary(report);
    expect(text).toContain(`${report.judgement.toUpperCase()}: `);
    if (name !== 'hostileReport') expect(text).toContain(report.run.again);
    const rows = text.split('\n').filter((line) => /^\| (✅|❌|⚠️) /.test(line));
    expect(rows).toHaveLength(report.results.filter(({ always, judgement }) => !always || judgement !== 'pass').length);
    // In the block of code at the end everything is text.
    expect(text.split('```')[0]).not.toMatch(/<script|!\[i\]/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test('stays small whatever a server says', () => {
    const results = failedReport.results.map((result) => ({
      ...result,
      observed: 'x'.repeat(100_000),
      evidence: Array.from({ length: 1_000 }, () => 'y'.repeat(10_000)),
    }));
    expect(githubSummary({ ...failedReport, results }).length).toBeLessThan(60_000);
  });
});

describe('in a job', () => {
  test('commands are obeyed only after all that servers may have said', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pgquake-github-'));
    const file = join(folder, 'summary.md');
    const printed: string[] = [];
    const env = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: '.', GITHUB_STEP_SUMMARY: file };
    const github = openGithub({ env, print: (line) => printed.push(line) });
    github?.add(failedReport);
    github?.add(passedReport);
    const token = /^::stop-commands::(pgquake-[0-9a-f]{32})$/.exec(printed[0] as string)?.[1];
    expect(printed).toHaveLength(1);
    github?.close();
    expect(printed[1]).toBe(`::${token}::`);
    expect(printed.slice(2).every((line) => /^::(error|warning|notice) /.test(line))).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(githubSummary(failedReport) + githubSummary(passedReport));
    rmSync(folder, { recursive: true });
  });

  test('a summary that cannot be written changes nothing else', () => {
    const printed: string[] = [];
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: '/nonexistent/summary' };
    const github = openGithub({ env, print: (line) => printed.push(line) });
    github?.add(passedReport);
    github?.close();
    expect(printed[1]).toMatch(/^no step summary: ENOENT/);
    expect(printed.at(-1)).toMatch(/^::notice /);
  });

  test('elsewhere nothing is said', () => {
    expect(openGithub({ env: {}, print: () => undefined })).toBeUndefined();
  });
});

describe('the verdict as JSON', () => {
  const of = (report: Report) => ({ report, folder: 'reports/x' });
  const parsed = (text: string) => JSON.parse(text) as { judgement: string; runs: Record<string, unknown>[] };

  test('has the verdict, the finding and every check', () => {
    const { judgement, runs } = parsed(verdictJson([of(failedReport)]));
    expect(judgement).toBe('fail');
    expect(runs[0]).toMatchObject({
      scenario: 'too-hopeful',
      judgement: 'fail',
      finding: failedReport.finding,
      folder: 'reports/x',
      results: failedReport.results.map((result) => ({ ...result })),
    });
  });

  test('the worst counts; what was not run or could not begin is never a pass', () => {
    expect(parsed(verdictJson([of(passedReport), of(failedReport)])).judgement).toBe('fail');
    expect(parsed(verdictJson([of(passedReport)])).judgement).toBe('pass');
    expect(parsed(verdictJson([of(passedReport)], true)).judgement).toBe('unknown');
    expect(parsed(verdictJson([])).judgement).toBe('unknown');
    const failed = parsed(verdictJson([of(passedReport), { scenario: 'x', error: 'no room' }]));
    expect(failed).toMatchObject({ judgement: 'unknown', runs: [{}, { scenario: 'x', error: 'no room' }] });
  });

  test('is safe to show', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(verdictJson([of(hostileReport)])).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});
